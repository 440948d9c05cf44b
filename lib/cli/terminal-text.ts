// What a terminal may be shown of names and of other programs' words. A file's name may hold any
// character, also those that move the cursor, set colours or titles, or turn the direction of text.

/** Controls; separators of lines and paragraphs; marks and overrides of direction. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
/** Bytes of a name that are no characters (lib/files/path-bytes.ts), and halves of pairs. */
const LONE_SURROGATES = /\p{Cs}/u;
const UNSHOWN = new RegExp(`${CONTROLS.source}|${LONE_SURROGATES.source}`, 'gu');
const UNSHOWN_OF_JSON = new RegExp(CONTROLS.source, 'gu');
/** Further lines of a message are set in by two spaces; another line break is a name's. */
const LINES = /\n(?= {2})/;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const isByte = code >= 0xdc80 && code <= 0xdcff;
  if (isByte) return `\\x${hex(code - 0xdc00, 2)}`;
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

/** One line, such as a file's name, whose control characters are written out: "\x1b". */
export function shownName(text: string): string {
  return text.replace(UNSHOWN, escaped);
}

/** A message, which may have further lines that are set in. */
export function shownMessage(text: string): string {
  return text.split(LINES).map(shownName).join('\n');
}

/** Text of several lines and columns, of which line breaks and tabs stay. */
export function shownText(text: string): string {
  return text.replace(UNSHOWN, (character) =>
    /[\n\t]/.test(character) ? character : escaped(character),
  );
}

/** A value as one line of JSON, in which control characters are written as escapes of JSON. */
export function shownJson(value: object): string {
  return JSON.stringify(value).replace(
    UNSHOWN_OF_JSON,
    (character) => `\\u${hex(character.charCodeAt(0), 4)}`,
  );
}
