/** Stands before every sequence. */
const BEGIN_OF_TEXT = '<|begin_of_text|>';
export const END_OF_TURN = '<|eot_id|>';
const HEADER = '<|start_header_id|>user<|end_header_id|>\n\n';

/** What the vocabulary must have for the prompt to be what the model was trained on. */
export const PROMPT_TOKENS = [
  BEGIN_OF_TEXT,
  '<|start_header_id|>',
  '<|end_header_id|>',
  END_OF_TURN,
] as const;

/**
 * The reference puts it before the text to tell it from an instruction, and takes it out again. One
 * in the text itself goes too, and ends the part that is counted.
 */
const SEPARATOR = '!@#$%^&*()';

export interface Prompt {
  /** All that the model reads, but for BOS. */
  whole: string;
  /** Its end, from the text on: as many tokens as this has by itself are averaged. */
  counted: string;
}

/** Lone surrogates become U+FFFD, as they are nothing in UTF-8. */
export function promptOf(text: string): Prompt {
  const stripped = withoutTrailingSpace(text.replace(/\p{Surrogate}/gu, '\ufffd'));
  const parts = (stripped + END_OF_TURN).split(SEPARATOR);
  return { whole: HEADER + parts.join(''), counted: parts[0] ?? '' };
}

/** By a loop, as a pattern would take the square of a long run's length. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isPythonSpace(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** As str.strip() has it; String.trim() differs in U+FEFF, U+0085 and U+001C to U+001F. */
function isPythonSpace(character: string): boolean {
  return /\p{White_Space}/u.test(character) || (character >= '\x1c' && character <= '\x1f');
}
