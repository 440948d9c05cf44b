/**
 * Bytes per element, by type. Values below one are packed types of 4 or 6 bits. Only floating-point
 * types of at least 16 bits can become weights; tensors of other types may be in the same file.
 */
const SAFETENSORS_BYTES = {
  ...{ f64: 8, f32: 4, f16: 2, bf16: 2 },
  ...{ f8_e4m3: 1, f8_e5m2: 1, f8_e8m0: 1, f8_e4m3fnuz: 1, f8_e5m2fnuz: 1 },
  ...{ f6_e2m3: 0.75, f6_e3m2: 0.75, f4: 0.5, c64: 8 },
  ...{ i64: 8, i32: 4, i16: 2, i8: 1, u64: 8, u32: 4, u16: 2, u8: 1, bool: 1 },
} as const;

/** Types that only torch has. Names of quantised types begin with q. */
const TORCH_BYTES = {
  ...{ c32: 4, c128: 16, f4x2: 1, bits8: 1, bits16: 2, bits1x8: 1, bits2x4: 1, bits4x2: 1 },
  ...{ qint8: 1, quint8: 1, qint32: 4, quint4x2: 0.5, quint2x4: 0.25 },
} as const;

/** Kinds of torch tensors that are not plain strided views. Their data is never read. */
const UNREADABLE_BYTES = {
  ...{ sparse: 0, nested: 0, meta: 0, wrapper: 0, numpy: 0, conjugated: 0 },
} as const;

export const DTYPE_BYTES = { ...SAFETENSORS_BYTES, ...TORCH_BYTES, ...UNREADABLE_BYTES } as const;

/** Element type of a tensor in a checkpoint. */
export type Dtype = keyof typeof DTYPE_BYTES;
/** Takes the place of the element type for a tensor that cannot be read. */
export type UnreadableKind = keyof typeof UNREADABLE_BYTES;

/** Types of safetensors files, which have the same names in capitals there. */
export const SAFETENSORS_DTYPES = Object.keys(
  SAFETENSORS_BYTES,
) as (keyof typeof SAFETENSORS_BYTES)[];
