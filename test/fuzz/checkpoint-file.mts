import type { ByteSource } from '#lib/checkpoint/byte-source';
import { DTYPE_BYTES } from '#lib/checkpoint/dtype';
import { elementSpan } from '#lib/checkpoint/extent';
import { parseCheckpoint } from '#lib/checkpoint/load';
import type { ParsedFile } from '#lib/checkpoint/state-dict';
import type { TensorEntry } from '#lib/checkpoint/table';
import { CHECKPOINT_REFUSAL, refusedOr } from './refusal.mts';

/** Makes a file in memory that refuses to read outside its bytes. */
export function sourceOf(bytes: Buffer): ByteSource {
  const read = (offset: number, length: number): Buffer => {
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new RangeError(`reads ${length} bytes at ${offset} of ${bytes.length}`);
    }
    return bytes.subarray(offset, offset + length);
  };
  return { path: '/fuzz/checkpoint', size: bytes.length, read };
}

/** Reads a checkpoint. Throws if a tensor extends beyond the file. */
export function readChecked(bytes: Buffer): ParsedFile {
  const parsed = parseCheckpoint(sourceOf(bytes));
  requireInside(parsed.tensors, bytes.length);
  return parsed;
}

/** Returns the outcome of reading a checkpoint. */
export function outcomeOfFile(bytes: Buffer): 'parsed' | 'refused' {
  return refusedOr(CHECKPOINT_REFUSAL, () => {
    readChecked(bytes);
    return 'parsed' as const;
  });
}

/** Throws, as a bug, if a tensor is not within `size` bytes. */
export function requireInside(tensors: readonly TensorEntry[], size: number): void {
  for (const { name, dtype, shape, strides, offset } of tensors) {
    const end = offset + elementSpan(shape, strides) * DTYPE_BYTES[dtype];
    const sound = [...shape, ...strides, offset].every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!sound || strides.length !== shape.length || !(end <= size)) {
      throw new RangeError(`tensor ${name} ends at ${end} of ${size}`);
    }
  }
}
