import type { Dtype } from './dtype';

/** This project's name of each torch type. Integers below a byte are stored in bytes. */
export const TORCH_DTYPES: Readonly<Record<string, Dtype>> = {
  ...{ float64: 'f64', float32: 'f32', float16: 'f16', bfloat16: 'bf16' },
  ...{ float8_e4m3fn: 'f8_e4m3', float8_e5m2: 'f8_e5m2', float8_e8m0fnu: 'f8_e8m0' },
  ...{ float8_e4m3fnuz: 'f8_e4m3fnuz', float8_e5m2fnuz: 'f8_e5m2fnuz' },
  ...{ float4_e2m1fn_x2: 'f4x2', complex32: 'c32', complex64: 'c64', complex128: 'c128' },
  ...{ int64: 'i64', int32: 'i32', int16: 'i16', int8: 'i8', bool: 'bool' },
  ...{ uint64: 'u64', uint32: 'u32', uint16: 'u16', uint8: 'u8' },
  ...{ bits8: 'bits8', bits16: 'bits16', bits1x8: 'bits1x8', bits2x4: 'bits2x4' },
  ...{ bits4x2: 'bits4x2', qint8: 'qint8', quint8: 'quint8', qint32: 'qint32' },
  ...{ quint4x2: 'quint4x2', quint2x4: 'quint2x4' },
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((bits) => [`uint${bits}`, 'u8' as const])),
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((bits) => [`int${bits}`, 'i8' as const])),
};

/** Storage classes that torch has had, with the same names for the CPU and for CUDA. */
const STORAGES: Readonly<Record<string, Dtype>> = {
  ...{ DoubleStorage: 'f64', FloatStorage: 'f32', HalfStorage: 'f16', BFloat16Storage: 'bf16' },
  ...{ LongStorage: 'i64', IntStorage: 'i32', ShortStorage: 'i16', CharStorage: 'i8' },
  ...{ ByteStorage: 'u8', BoolStorage: 'bool' },
  ...{ ComplexFloatStorage: 'c64', ComplexDoubleStorage: 'c128' },
};

/**
 * Element type of each storage class. A type without a class of its own uses a storage of bytes.
 */
export const STORAGE_DTYPES: Readonly<Record<string, Dtype>> = {
  ...Object.fromEntries(
    Object.entries(STORAGES).flatMap(([name, dtype]) => [
      [`torch.${name}`, dtype],
      [`torch.cuda.${name}`, dtype],
    ]),
  ),
  'torch.QInt8Storage': 'qint8',
  'torch.QUInt8Storage': 'quint8',
  'torch.QInt32Storage': 'qint32',
  'torch.QUInt4x2Storage': 'quint4x2',
  'torch.QUInt2x4Storage': 'quint2x4',
  'torch.storage.UntypedStorage': 'u8',
};
