import { extname } from 'node:path';
import { invalidRange, invalidType, isObject } from '../arguments';
import { joinedText, textPieces } from '../files/read-text';
import { jsonElements } from './json-elements';

type Pieces = AsyncGenerator<string, void, undefined>;

const LINES = new Set(['.jsonl', '.jsonlines']);

/**
 * Yields the entries of a file one at a time. The file holds lines of JSON, a JSON array, or an
 * object with an array `images`.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG) for other content; LLM2CLIPError ERR_NOT_FOUND,
 *   ERR_IO
 */
export async function* entriesOf(path: string): AsyncGenerator<unknown, void, undefined> {
  try {
    const pieces = textPieces(path);
    if (LINES.has(extname(path).toLowerCase())) yield* parsed(linesOf(pieces), path);
    else yield* wholeOf(pieces, path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidRange('the end of an array', path, 'the end of the file');
  }
}

async function* wholeOf(pieces: Pieces, path: string): AsyncGenerator<unknown, void, undefined> {
  try {
    const first = (await pieces.next()).value ?? '';
    const all = joined(first, pieces);
    if (first.trimStart().startsWith('[')) yield* parsed(jsonElements(all), path);
    else yield* imagesOf(parse(await joinedText(all, path), path), path);
  } finally {
    // The first piece has been read, so the file is open. Close it if reading stops early.
    await pieces.return();
  }
}

async function* joined(first: string, rest: Pieces): Pieces {
  yield first;
  yield* rest;
}

function imagesOf(whole: unknown, path: string): unknown[] {
  if (isObject(whole) && Array.isArray(whole.images)) return whole.images;
  throw invalidType('an array, or an object with images,', path, whole);
}

async function* linesOf(pieces: Pieces): Pieces {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() as string;
    yield* lines.filter(isNotEmpty);
  }
  if (isNotEmpty(rest)) yield rest;
}

function isNotEmpty(line: string): boolean {
  return line.trim() !== '';
}

async function* parsed(texts: Pieces, path: string): AsyncGenerator<unknown, void, undefined> {
  let number = 0;
  for await (const text of texts) {
    number += 1;
    yield parse(text, `entry ${number} of ${path}`);
  }
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRange('JSON', where, text);
  }
}
