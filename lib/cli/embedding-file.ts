import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { AtomicFile } from '../files/atomic-file';
import { JsonLinesWriter } from './json-lines';
import { NpyWriter } from './npy';
import type { EmbeddingWriter } from './outcome';

const FORMATS: Record<string, (file: AtomicFile, columns: number) => EmbeddingWriter> = {
  '.npy': (file, columns) => new NpyWriter(file, columns),
  '.jsonl': (file) => new JsonLinesWriter(file),
};

/** Checks that the ending of a path names a known format. */
export function embeddingPath(path: string): string {
  if (extname(path) in FORMATS) return path;
  throw new InvalidArgumentError(
    `expected a name that ends in ${Object.keys(FORMATS).join(' or ')}`,
  );
}

export function embeddingWriter(path: string, file: AtomicFile, columns: number): EmbeddingWriter {
  const create = FORMATS[extname(path)];
  if (create === undefined) throw new Error(`no format for ${path}`);
  return create(file, columns);
}
