import { readText } from '../files/read-text';

/**
 * Reads texts from a file: a JSON array of strings, or one text per line. An empty line is an empty
 * text.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function readTexts(path: string): Promise<string[]> {
  const content = await readText(path);
  const array = content.trimStart().startsWith('[') ? stringsOf(content) : undefined;
  if (array !== undefined) return array;
  if (content === '') return [];
  return content.replace(/\r\n?$|\n$/, '').split(/\r\n?|\n/);
}

/**
 * Parses a JSON array of strings. Returns undefined for anything else that begins with a bracket.
 */
function stringsOf(content: string): string[] | undefined {
  try {
    const json: unknown = JSON.parse(content);
    const strings = Array.isArray(json) && json.every((item) => typeof item === 'string');
    return strings ? json : undefined;
  } catch {
    return undefined;
  }
}
