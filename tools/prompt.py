"""LLM2CLIP's prompt, made from a text like in the reference."""

MAX_LENGTH = 512
SEPARATOR = "!@#$%^&*()"


def prompt(text: str) -> str:
    header = "<|start_header_id|>user<|end_header_id|>\n\n"
    return header + (SEPARATOR + text).strip() + "<|eot_id|>"


def tokenize(tokenizer, text: str, most: int = MAX_LENGTH) -> tuple[list[int], int]:
    """Returns the token ids, and how many of the last tokens are pooled."""
    parts = prompt(text).split(SEPARATOR)
    limit = {"truncation": True, "max_length": most}
    ids = tokenizer("".join(parts), **limit)["input_ids"]
    counted = tokenizer(parts[1], add_special_tokens=False, **limit)["input_ids"]
    return ids, len(counted) or len(ids)
