import { isObject } from '../arguments';
import { readText } from '../files/read-text';
import { readTexts } from './text-file';

/** As readTexts, of labels or templates: none is empty. */
export async function readLabels(path: string): Promise<string[]> {
  return (await readTexts(path)).filter((text) => text.trim() !== '');
}

/** Labels, or a JSON object of them by the names of folders. */
export async function readClassnames(path: string): Promise<string[] | Record<string, unknown>> {
  const names = objectOf(await readText(path));
  return names ?? readLabels(path);
}

function objectOf(content: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(content);
    return isObject(json) && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
