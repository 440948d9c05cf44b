import type { AtomicFile } from '../files/atomic-file';
import type { EmbeddingWriter, Outcome } from './outcome';

const MAGIC = '\x93NUMPY\x01\x00';
/**
 * Length of the whole header; NEP 1 wants a multiple of 64. It must not depend on the number of
 * rows, because the header is rewritten at the end, when that number is known.
 */
const HEADER_BYTES = 128;

function header(rows: number, columns: number): Buffer {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(HEADER_BYTES - MAGIC.length - length.length);
  const text = `${dictionary.padEnd(HEADER_BYTES - MAGIC.length - length.length - 1)}\n`;
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), length, Buffer.from(text, 'latin1')]);
}

/** Writes float32 [images or texts, columns]. The row of an input that failed is NaN. */
export class NpyWriter implements EmbeddingWriter {
  readonly #file: AtomicFile;
  readonly #columns: number;
  #rows = 0;

  constructor(file: AtomicFile, columns: number) {
    this.#file = file;
    this.#columns = columns;
  }

  async write({ embedding }: Outcome): Promise<void> {
    if (this.#rows === 0) await this.#file.append(header(0, this.#columns));
    this.#rows += 1;
    const row = embedding ?? new Float32Array(this.#columns).fill(Number.NaN);
    await this.#file.append(Buffer.from(row.buffer, row.byteOffset, row.byteLength));
  }

  async end(): Promise<void> {
    await this.#file.commit(header(this.#rows, this.#columns));
  }
}
