import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { LLM2CLIPError } from '../errors';

const MAGIC = '\x93NUMPY\x01\x00';
/** Data begins at a multiple of this (NumPy's NEP 1). */
const ALIGNMENT = 64;

function header(rows: number, columns: number): Buffer {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const unpadded = MAGIC.length + 2 + dictionary.length + 1;
  const padding = ' '.repeat((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT);
  const text = `${dictionary}${padding}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), length, Buffer.from(text, 'latin1')]);
}

/** Writes float32 [rows, columns] as a .npy file, whole or not at all. ERR_IO where it cannot. */
export async function writeNpy(path: string, data: Float32Array, columns: number): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  try {
    const content = Buffer.concat([header(data.length / columns, columns), body]);
    await writeFile(temporary, content, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new LLM2CLIPError('ERR_IO', `cannot write ${path}: ${(error as Error).message}`);
  }
}
