/** The token before every sequence (BOS). */
const BEGIN_OF_TEXT = '<|begin_of_text|>';
export const END_OF_TURN = '<|eot_id|>';
const HEADER = '<|start_header_id|>user<|end_header_id|>\n\n';

/** Tokens that the vocabulary must have, because the model was trained on a prompt with them. */
export const PROMPT_TOKENS = [
  BEGIN_OF_TEXT,
  '<|start_header_id|>',
  '<|end_header_id|>',
  END_OF_TURN,
] as const;

/**
 * The reference puts this separator between an instruction and the text, and removes it before
 * tokenising. If the text itself contains it, it is removed, too, and ends the counted part.
 */
const SEPARATOR = '!@#$%^&*()';

export interface Prompt {
  /** Everything that the model reads, without BOS. */
  whole: string;
  /**
   * The text and the end of turn, up to the first separator. The mean is over as many tokens as
   * this has on its own.
   */
  counted: string;
}

/** Puts a text into LLM2CLIP's prompt. Lone surrogates become U+FFFD, because UTF-8 has none. */
export function promptOf(text: string): Prompt {
  const stripped = withoutTrailingSpace(text.replace(/\p{Surrogate}/gu, '\ufffd'));
  const parts = (stripped + END_OF_TURN).split(SEPARATOR);
  return { whole: HEADER + parts.join(''), counted: parts[0] ?? '' };
}

/** Removes trailing white space. A regular expression would take quadratic time for a long run. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isPythonSpace(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/**
 * White space of Python's str.strip(); String.trim() differs for U+FEFF, U+0085 and U+001C–U+001F.
 */
function isPythonSpace(character: string): boolean {
  return /\p{White_Space}/u.test(character) || (character >= '\x1c' && character <= '\x1f');
}
