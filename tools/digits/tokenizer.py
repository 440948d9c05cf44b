"""A byte-level BPE tokenizer like Llama 3's, trained on the captions."""

import random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from prompt import prompt

from .captions import caption

VOCABULARY = 512
CAPTIONS = 5_000
# The first ten special tokens of Llama 3, in their order.
SPECIALS = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    *[f"<|reserved_special_token_{i}|>" for i in range(4)],
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|reserved_special_token_4|>",
    "<|eot_id|>",
]
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def post_processor(begin: str, begin_id: int) -> processors.PostProcessor:
    template = processors.TemplateProcessing(
        single=f"{begin} $A",
        pair=f"{begin} $A {begin}:1 $B:1",
        special_tokens=[(begin, begin_id)],
    )
    return processors.Sequence([processors.ByteLevel(trim_offsets=False), template])


def train_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    chance = random.Random(seed)
    tokenizer = byte_level_bpe()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    corpus = [prompt(caption(i % 10, chance)) for i in range(CAPTIONS)]
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens(SPECIALS)
    begin = SPECIALS[0]
    tokenizer.post_processor = post_processor(begin, tokenizer.token_to_id(begin))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=begin,
        eos_token=SPECIALS[-1],
        clean_up_tokenization_spaces=True,
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=8192,
    )
