import { readFile } from 'node:fs/promises';
import { LLM2CLIPError } from './errors';

/** What the system says of a path, in this library's words; other errors as they are. */
export function fileError(path: string, error: unknown): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const text = `expected a file at ${path}, found nothing there`;
    return new LLM2CLIPError('ERR_NOT_FOUND', text, { cause: error });
  }
  return new LLM2CLIPError('ERR_IO', `cannot read ${path}: ${message}`, { cause: error });
}

/**
 * Without the byte order mark that some editors begin a file with.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function readText(path: string): Promise<string> {
  const content = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fileError(path, error);
  });
  return content.replace(/^\ufeff/, '');
}
