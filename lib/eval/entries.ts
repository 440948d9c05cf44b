import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { invalidRange, invalidType, isObject } from '../arguments';
import { fileError, readText } from '../read-text';
import { jsonElements } from './json-elements';

const LINES = new Set(['.jsonl', '.jsonlines']);

/**
 * The entries of a file of lines of JSON, of a JSON array, or of an object's `images`, one at a time.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG) for another content; LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function* entriesOf(path: string): AsyncGenerator<unknown, void, undefined> {
  try {
    if (LINES.has(extname(path).toLowerCase())) yield* parsed(linesOf(path), path);
    else if ((await firstCharacter(path)) === '[') yield* parsed(jsonElements(path), path);
    else yield* imagesOf(parse(await readText(path), path), path);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw invalidRange('the end of an array', path, 'the end of the file');
    }
    throw fileError(path, error);
  }
}

function imagesOf(whole: unknown, path: string): unknown[] {
  if (isObject(whole) && Array.isArray(whole.images)) return whole.images;
  throw invalidType('an array, or an object with images,', path, whole);
}

async function* linesOf(path: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    yield* lines.filter(isNotEmpty);
  }
  if (isNotEmpty(rest)) yield rest;
}

function isNotEmpty(line: string): boolean {
  return line.trim() !== '';
}

async function* parsed(
  texts: AsyncGenerator<string, void, undefined>,
  path: string,
): AsyncGenerator<unknown, void, undefined> {
  let number = 0;
  for await (const text of texts) {
    number += 1;
    yield parse(text, `entry ${number} of ${path}`);
  }
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text.trim()); // a byte order mark counts as space
  } catch {
    throw invalidRange('JSON', where, text);
  }
}

async function firstCharacter(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString('utf8', 0, bytesRead).trim().slice(0, 1);
  } finally {
    await file.close();
  }
}
