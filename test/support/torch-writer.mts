import type { Dtype } from '#lib/checkpoint/dtype';
import { PickleWriter } from './pickle-writer.mts';
import { byteLength, type TensorData } from './tensor-data.mts';
import { ZipWriter } from './zip-writer.mts';

export const STORAGE_TYPES: Partial<Record<Dtype, string>> = {
  f64: 'DoubleStorage',
  f32: 'FloatStorage',
  f16: 'HalfStorage',
  bf16: 'BFloat16Storage',
  i64: 'LongStorage',
  i32: 'IntStorage',
  i16: 'ShortStorage',
  i8: 'CharStorage',
  u8: 'ByteStorage',
  bool: 'BoolStorage',
};

const ARCHIVE = 'archive';

export interface TorchOptions {
  /** Key of the weights in an outer dictionary. Default: there is no outer dictionary. */
  wrap?: string;
  /** Prefix of every name, e.g. "module.". */
  prefix?: string;
  /** Write zip64 records even if the sizes do not need them. */
  zip64?: boolean;
}

/** Writes a file that torch.load opens, with one piece of data in memory at a time. */
export function writeTorch(path: string, tensors: TensorData[], options: TorchOptions = {}): void {
  const entries = tensors.map((tensor, i) => ({
    name: `data/${i}`,
    data: tensor.data,
    size: byteLength(tensor),
  }));
  writeArchive(path, stateDict(tensors, options), entries, options);
}

/** Writes any pickle and any records in torch.save's archive format, to forge checkpoints. */
export function writeArchive(
  path: string,
  pickle: Uint8Array,
  records: { name: string; data: Uint8Array | Iterable<Uint8Array>; size: number }[],
  options: { zip64?: boolean; byteorder?: string } = {},
): void {
  const zip = new ZipWriter(path, { zip64: options.zip64 ?? false, alignment: 64 });
  const text = (name: string, content: string) =>
    zip.add(`${ARCHIVE}/${name}`, Buffer.from(content), content.length);
  zip.add(`${ARCHIVE}/data.pkl`, pickle, pickle.length);
  text('byteorder', options.byteorder ?? 'little');
  for (const { name, data, size } of records) zip.add(`${ARCHIVE}/${name}`, data, size);
  text('version', '3\n');
  zip.close();
}

function stateDict(tensors: TensorData[], { wrap, prefix = '' }: TorchOptions): Buffer {
  const pickle = new PickleWriter();
  if (wrap !== undefined) pickle.emptyDict().mark().string('epoch').int(3).string(wrap);
  pickle.orderedDict().mark();
  tensors.forEach((tensor, i) => {
    pickle.string(prefix + tensor.name).tensor({
      type: STORAGE_TYPES[tensor.dtype] ?? 'UntypedStorage',
      key: String(i),
      elements: tensor.shape.reduce((product, size) => product * size, 1),
      shape: tensor.shape,
      strides: rowMajor(tensor.shape),
    });
  });
  pickle.setItems();
  if (wrap !== undefined) pickle.setItems();
  return pickle.stop();
}

function rowMajor(shape: number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
}
