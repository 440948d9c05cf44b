import { writeSync } from 'node:fs';
import { DTYPE_BYTES, type Dtype } from '#lib/checkpoint/dtype';

/**
 * A tensor to write: row-major, little-endian bytes, as a whole or in pieces made during writing.
 */
export interface TensorData {
  name: string;
  dtype: Dtype;
  shape: number[];
  data: Uint8Array | Iterable<Uint8Array>;
}

export function byteLength(tensor: TensorData): number {
  return tensor.shape.reduce((product, size) => product * size, DTYPE_BYTES[tensor.dtype]);
}

export function* piecesOf(data: Uint8Array | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (data instanceof Uint8Array) yield data;
  else yield* data;
}

/** Writes all `bytes` at the current position of the file. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
