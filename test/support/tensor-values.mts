import { closeSync, openSync, readSync } from 'node:fs';
import { DTYPE_BYTES, type Dtype } from '#lib/checkpoint/dtype';
import type { TensorEntry } from '#lib/checkpoint/table';

/** Reads all elements of a strided view in row-major order, one by one. */
export function tensorValues(entry: TensorEntry): number[] {
  const fd = openSync(entry.file, 'r');
  try {
    const values: number[] = [];
    const bytes = Buffer.alloc(8);
    const visit = (dimension: number, element: number): void => {
      const size = entry.shape[dimension];
      if (size === undefined) {
        const width = DTYPE_BYTES[entry.dtype];
        readSync(fd, bytes, 0, width, entry.offset + element * width);
        values.push(DECODE[entry.dtype]?.(bytes) ?? Number.NaN);
        return;
      }
      const stride = entry.strides[dimension] ?? 0;
      for (let i = 0; i < size; i++) visit(dimension + 1, element + i * stride);
    };
    visit(0, 0);
    return values;
  } finally {
    closeSync(fd);
  }
}

const DECODE: Partial<Record<Dtype, (bytes: Buffer) => number>> = {
  f64: (bytes) => bytes.readDoubleLE(),
  f32: (bytes) => bytes.readFloatLE(),
  f16: (bytes) => half(bytes.readUInt16LE()),
  bf16: (bytes) => Buffer.from([0, 0, bytes[0] ?? 0, bytes[1] ?? 0]).readFloatLE(),
  i64: (bytes) => Number(bytes.readBigInt64LE()),
  i32: (bytes) => bytes.readInt32LE(),
  i16: (bytes) => bytes.readInt16LE(),
  i8: (bytes) => bytes.readInt8(),
  u8: (bytes) => bytes.readUInt8(),
  bool: (bytes) => bytes.readUInt8(),
};

/** Converts the bits of a finite fp16 number. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const magnitude = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
  return bits >> 15 ? -magnitude : magnitude;
}
