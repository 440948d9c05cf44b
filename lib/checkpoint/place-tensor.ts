import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { ByteSource } from './byte-source';
import { DTYPE_BYTES } from './dtype';
import { elementCount, elementSpan, rowMajorStrides } from './extent';
import { MAX_RANK } from './limits';
import type { TensorEntry } from './table';
import type { StridedView, TorchStorage, TorchTensor } from './torch-objects';

/** Position of a storage's bytes in the file. */
export interface StoredBytes {
  offset: number;
  size: number;
}

/**
 * Returns the position of a tensor in the file, after checking it against the bytes of its storage.
 *
 * @param recordOf returns the bytes of a storage by its key
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT for a tensor that reaches beyond its storage
 */
export function placeTensor(
  source: ByteSource,
  name: string,
  { content }: TorchTensor,
  recordOf: (key: string) => StoredBytes | undefined,
): TensorEntry {
  const { shape } = content;
  const wrong = (problem: string) => malformedTorch(source, `tensor ${quote(name)} ${problem}`);
  if (shape.length > MAX_RANK) throw wrong(`has ${shape.length} dimensions, more than ${MAX_RANK}`);
  if (elementCount(shape) === undefined) throw wrong(`has a shape too large to count: [${shape}]`);
  const file = source.path;
  if ('kind' in content) {
    return { name, dtype: content.kind, shape, strides: rowMajorStrides(shape), file, offset: 0 };
  }
  const { key } = content.storage;
  const record = recordOf(key);
  if (record === undefined) throw wrong(`lies in record ${quote(key)}, which is missing`);
  const problem = storageProblem(content.storage, record.size) ?? viewProblem(content);
  if (problem !== undefined) throw wrong(problem);
  const { dtype, strides, storage } = content;
  const first = storage.part.first * storageElementBytes(storage);
  const offset = record.offset + first + content.offset * DTYPE_BYTES[dtype];
  return { name, dtype, shape, strides, file, offset };
}

/** Bytes per element of a storage, which counts packed elements in bytes. */
export function storageElementBytes({ dtype }: TorchStorage): number {
  return Math.ceil(DTYPE_BYTES[dtype]);
}

function storageProblem(storage: TorchStorage, size: number): string | undefined {
  const bytes = storage.length * storageElementBytes(storage);
  if (bytes === size) return undefined;
  const claimed = `${storage.length} ${storage.dtype} (${bytes} bytes)`;
  return `lies in a storage of ${claimed}, its record has ${size} bytes`;
}

/**
 * Describes what is wrong with a view. It may repeat elements with a stride of 0, but must be
 * inside.
 */
function viewProblem({ storage, dtype, offset, shape, strides }: StridedView): string | undefined {
  const bytes = storage.part.count * storageElementBytes(storage);
  const available = Math.floor(bytes / DTYPE_BYTES[dtype]);
  const last = offset + elementSpan(shape, strides);
  if (last <= available) return undefined;
  return `of shape [${shape}] with strides [${strides}] ends at element ${last} of ${available}`;
}

export function malformedTorch(source: ByteSource, problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${source.path} is not a valid torch file: ${problem}`,
  );
}
