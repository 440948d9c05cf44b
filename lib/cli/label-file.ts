import { isObject } from '../arguments';
import { readText } from '../files/read-text';
import { readTexts } from './text-file';

/** Reads labels or templates as `readTexts` reads texts, and leaves out empty ones. */
export async function readLabels(path: string): Promise<string[]> {
  return (await readTexts(path)).filter((text) => text.trim() !== '');
}

/** Reads class names: a list as in `readLabels`, or a JSON object whose keys are folder names. */
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
