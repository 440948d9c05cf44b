/** Element types a checkpoint may hold. Only the floating-point ones can become weights. */
export const DTYPES = [
  'f64',
  'f32',
  'f16',
  'bf16',
  'i64',
  'i32',
  'i16',
  'i8',
  'u8',
  'bool',
] as const;
export type Dtype = (typeof DTYPES)[number];

export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
};

/** Where one tensor lies: a strided view of bytes in a file. Nothing is read until conversion. */
export interface TensorEntry {
  /** Name in the checkpoint, as found. */
  name: string;
  dtype: Dtype;
  shape: number[];
  /** In elements, one a dimension; row-major for safetensors, whatever was pickled for torch files. */
  strides: number[];
  /** Absolute path of the file that holds the data. */
  file: string;
  /** Of element [0, 0, …], in bytes from the beginning of the file. */
  offset: number;
}

/** A parsed checkpoint: every tensor's place, and the JSON files found beside it. */
export interface CheckpointTable {
  format: 'safetensors' | 'torch';
  /** As the user gave it. */
  path: string;
  tensors: TensorEntry[];
  /** What JSON files say of it, in the order in which they are asked. */
  stated: StatedFile[];
}

/** The configuration of the model: given by hand, `config.json`, or an open_clip-style one. */
export function configOf({ stated }: CheckpointTable): StatedFile['content'] | undefined {
  return stated.find(({ about }) => about === 'model')?.content;
}

/** A JSON file that was given by hand or lies beside a checkpoint. */
export interface StatedFile {
  /** Without its folder. */
  name: string;
  /** Whether it is about the model, or about what becomes of pictures first. */
  about: 'model' | 'pictures';
  content: Record<string, unknown>;
}
