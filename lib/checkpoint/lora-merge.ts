import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { withFile } from './byte-source';
import { DTYPE_BYTES } from './dtype';
import { elementCount, rowMajorStrides } from './extent';
import { encodeFloats, type FloatDtype, readRows } from './floats';
import type { NamedEntry } from './layouts/bind';
import type { LoraUpdate } from './lora';

/** Number of a weight's elements in memory at a time. */
const BLOCK_ELEMENTS = 1 << 20;

/** Largest magnitude of each type. A larger number would be written as infinity. */
const LARGEST: Readonly<Record<FloatDtype, number>> = {
  f32: 3.4028234663852886e38,
  bf16: 3.3895313892515355e38,
  f16: 65504,
};

/** The request to the merging worker, which replies with the positions of the merged weights. */
export interface MergeRequest {
  updates: LoraUpdate[];
  /** File to write, which must not exist. It will hold the concatenated merged weights. */
  output: string;
  dtype: FloatDtype;
}

/**
 * Writes weight + scale · b · a for each update, summed in at least fp32 and rounded once. It holds
 * the two halves of one update and a few megabytes of its weight in memory. If it fails, it leaves
 * no file.
 *
 * @throws LLM2CLIPError ERR_IO, ERR_CHECKPOINT_NONFINITE, ERR_CHECKPOINT_UNSUPPORTED
 */
export function mergeUpdates({ updates, output, dtype }: MergeRequest): NamedEntry[] {
  const fd = writing(output, () => openSync(output, 'wx'));
  let whole = false;
  try {
    let offset = 0;
    const merged = updates.map((update) => {
      const { name, weight } = update;
      const place = { file: output, offset, dtype, strides: rowMajorStrides(weight.shape) };
      for (const rows of mergedRows(update)) {
        const bytes = encodeFloats(checked(rows, update, dtype), dtype);
        writing(output, () => writeAll(fd, bytes));
      }
      offset += (elementCount(weight.shape) ?? 0) * DTYPE_BYTES[dtype];
      return { name, entry: { ...weight, ...place } };
    });
    whole = true;
    return merged;
  } finally {
    closeSync(fd);
    if (!whole) rmSync(output, { force: true });
  }
}

function* mergedRows({ weight, a, b, scale }: LoraUpdate): Iterable<Float32Array> {
  const [out = 0, input = 0] = weight.shape;
  const rank = a.shape[0] ?? 0;
  // [in, r], [out, r]
  const down = withFile(a.file, (source) => transposed(readRows(source, a, 0, rank), rank, input));
  const up = withFile(b.file, (source) => readRows(source, b, 0, out));
  const rowsABlock = Math.max(1, Math.floor(BLOCK_ELEMENTS / Math.max(input, 1)));
  for (let first = 0; first < out; first += rowsABlock) {
    const count = Math.min(rowsABlock, out - first);
    const rows = withFile(weight.file, (source) => readRows(source, weight, first, count));
    for (let i = 0; i < count; i++) {
      const coefficients = up.subarray((first + i) * rank, (first + i + 1) * rank);
      addUpdate(rows.subarray(i * input, (i + 1) * input), coefficients, down, scale);
    }
    yield rows;
  }
}

/** Computes row += scale · (down · coefficients), with products summed in fp64. */
function addUpdate(
  row: Float32Array,
  coefficients: Float32Array,
  down: Float32Array,
  scale: number,
): void {
  const rank = coefficients.length;
  for (let j = 0; j < row.length; j++) {
    let sum = 0;
    for (let k = 0; k < rank; k++) {
      sum += (coefficients[k] as number) * (down[j * rank + k] as number);
    }
    row[j] = (row[j] as number) + scale * sum;
  }
}

/** Transposes [rows, columns] to [columns, rows], so that sums run over contiguous numbers. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j] as number;
  }
  return result;
}

function checked(rows: Float32Array, { name }: LoraUpdate, dtype: FloatDtype): Float32Array {
  for (const value of rows) {
    if (Math.abs(value) <= LARGEST[dtype]) continue;
    const what = `weight ${quote(name)}, with its LoRA, holds ${value}`;
    if (!Number.isFinite(value)) throw new LLM2CLIPError('ERR_CHECKPOINT_NONFINITE', what);
    throw new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', `${what}, beyond the range of ${dtype}`);
  }
  return rows;
}

function writing<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const { message } = cause as Error;
    throw new LLM2CLIPError('ERR_IO', `cannot write ${path}: ${message}`, { cause });
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
