import { readText } from '../files/read-text';

/**
 * The texts of a file: of a JSON array of strings, or one a line, an empty line being an empty text.
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

/** Undefined for a line that begins with a bracket and is no such array. */
function stringsOf(content: string): string[] | undefined {
  try {
    const json: unknown = JSON.parse(content);
    const strings = Array.isArray(json) && json.every((item) => typeof item === 'string');
    return strings ? json : undefined;
  } catch {
    return undefined;
  }
}
