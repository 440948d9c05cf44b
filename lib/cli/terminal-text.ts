// Makes file names and other programs' messages safe for a terminal. A file name may contain any
// character, including those that move the cursor, set colours or titles, or reverse the text.

/** Control characters, line and paragraph separators, and bidirectional marks and overrides. */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
/**
 * Lone surrogates: bytes of a file name that are not UTF-8 (lib/files/path-bytes.ts), and half
 * pairs.
 */
const LONE_SURROGATES = /\p{Cs}/u;
const UNSHOWN = new RegExp(`${CONTROLS.source}|${LONE_SURROGATES.source}`, 'gu');
const UNSHOWN_OF_JSON = new RegExp(CONTROLS.source, 'gu');
/**
 * Our messages indent their further lines by two spaces; any other line break comes from a name.
 */
const LINES = /\n(?= {2})/;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const isByte = code >= 0xdc80 && code <= 0xdcff;
  if (isByte) return `\\x${hex(code - 0xdc00, 2)}`;
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

/** Escapes the control characters of one line, such as a file name: ESC becomes "\x1b". */
export function shownName(text: string): string {
  return text.replace(UNSHOWN, escaped);
}

/** Escapes a message, and keeps line breaks before indented lines. */
export function shownMessage(text: string): string {
  return text.split(LINES).map(shownName).join('\n');
}

/** Escapes a text of several lines, and keeps its line breaks and tabs. */
export function shownText(text: string): string {
  return text.replace(UNSHOWN, (character) =>
    /[\n\t]/.test(character) ? character : escaped(character),
  );
}

/** Writes a value as one line of JSON, with control characters as JSON escapes. */
export function shownJson(value: object): string {
  return JSON.stringify(value).replace(
    UNSHOWN_OF_JSON,
    (character) => `\\u${hex(character.charCodeAt(0), 4)}`,
  );
}
