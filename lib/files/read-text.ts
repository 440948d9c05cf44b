import { constants } from 'node:buffer';
import { invalidContent } from '../arguments';
import { fileError, openRegularFile } from './regular-file';
import { TextFileDecoder } from './text-encoding';

const PIECE = 1 << 20;

/**
 * Reads the text of a file in pieces, without a byte order mark.
 *
 * @throws RangeError (ERR_INVALID_ARG) unless it is UTF-8, or UTF-16 with a byte order mark
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function* textPieces(path: string): AsyncGenerator<string, void, undefined> {
  const file = await openRegularFile(path);
  try {
    const decoder = new TextFileDecoder(path);
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(PIECE), 0, PIECE);
      if (bytesRead === 0) break;
      yield decoder.decode(buffer.subarray(0, bytesRead));
    }
    yield decoder.end();
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await file.close();
  }
}

/** Reads the whole text of a file. Its errors are those of {@link textPieces}. */
export function readText(path: string): Promise<string> {
  return joinedText(textPieces(path), path);
}

/**
 * Joins the pieces of a file to one text.
 *
 * @throws RangeError (ERR_INVALID_ARG) if the text exceeds the longest string
 */
export async function joinedText(text: AsyncIterable<string>, path: string): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of text) {
    pieces.push(piece);
    length += piece.length;
    if (length <= constants.MAX_STRING_LENGTH) continue;
    const most = `at most ${constants.MAX_STRING_LENGTH} characters`;
    throw invalidContent(`expected ${most} in ${path}, found more; split the file`);
  }
  return pieces.join('');
}
