import type { PickleWorld } from './pickle';
import {
  PickleDict,
  PickleGlobal,
  PickleObject,
  PickleTuple,
  type PickleValue,
  unsafePickle,
} from './pickle-values';
import { quote } from './quote';
import type { Dtype } from './table';

/** A record of the archive, as a tensor's pickle refers to it. Unchecked claims of the file. */
export class TorchStorage extends PickleObject {
  readonly dtype: Dtype;
  readonly key: string;
  /** Number of elements. */
  readonly length: number;

  constructor(dtype: Dtype, key: string, length: number) {
    super();
    this.dtype = dtype;
    this.key = key;
    this.length = length;
  }
}

/** A strided view of a storage. Integers are checked to be sizes, nothing more. */
export class TorchTensor extends PickleObject {
  readonly storage: TorchStorage;
  /** In elements of the storage. */
  readonly offset: number;
  readonly shape: number[];
  readonly strides: number[];

  constructor(storage: TorchStorage, offset: number, shape: number[], strides: number[]) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const STORAGE_DTYPES: Readonly<Record<string, Dtype>> = {
  'torch.DoubleStorage': 'f64',
  'torch.FloatStorage': 'f32',
  'torch.HalfStorage': 'f16',
  'torch.BFloat16Storage': 'bf16',
  'torch.LongStorage': 'i64',
  'torch.IntStorage': 'i32',
  'torch.ShortStorage': 'i16',
  'torch.CharStorage': 'i8',
  'torch.ByteStorage': 'u8',
  'torch.BoolStorage': 'bool',
};

const ALLOWED: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    new PickleGlobal('torch._utils._rebuild_tensor_v2', rebuildTensor),
    new PickleGlobal('torch._utils._rebuild_parameter', rebuildParameter),
    new PickleGlobal('collections.OrderedDict', orderedDict),
    ...Object.keys(STORAGE_DTYPES).map((name) => new PickleGlobal(name)),
  ].map((allowed) => [allowed.name, allowed]),
);

/** All that a checkpoint may refer to. Everything else is refused by name. */
export const TORCH_WORLD: PickleWorld = { global: allowedGlobal, persistent: storageOf };

function allowedGlobal(module: string, name: string): PickleGlobal {
  const found = ALLOWED.get(`${module}.${name}`);
  // "torch" + "_utils.x" and "torch._utils" + "x" spell alike; only the latter is what torch writes.
  if (found === undefined || name.includes('.')) {
    throw unsafePickle(`it asks for ${quote(`${module}.${name}`)}, which is not on the allow-list`);
  }
  return found;
}

/** `('storage', torch.FloatStorage, key, device, length)` */
function storageOf(id: PickleValue): TorchStorage {
  const [tag, type, key, device, length, ...more] = id instanceof PickleTuple ? id.items : [];
  const dtype = type instanceof PickleGlobal ? STORAGE_DTYPES[type.name] : undefined;
  if (
    tag !== 'storage' ||
    dtype === undefined ||
    typeof key !== 'string' ||
    typeof device !== 'string' ||
    !isSize(length) ||
    more.length > 0
  ) {
    throw unsafePickle('a persistent id is not that of a storage');
  }
  return new TorchStorage(dtype, key, length);
}

/** `(storage, offset, shape, strides, requires_grad, hooks)` and, rarely, a metadata dict. */
function rebuildTensor(args: readonly PickleValue[]): TorchTensor {
  const [storage, offset, shape, strides, , , metadata = null, ...more] = args;
  const shapeSizes = sizes(shape);
  const strideSizes = sizes(strides);
  const plain =
    metadata === null || (metadata instanceof PickleDict && metadata.entries.size === 0);
  if (
    !(storage instanceof TorchStorage) ||
    !isSize(offset) ||
    shapeSizes === undefined ||
    strideSizes?.length !== shapeSizes.length ||
    !plain ||
    more.length > 0
  ) {
    throw unsafePickle('a tensor is rebuilt from unexpected arguments');
  }
  return new TorchTensor(storage, offset, shapeSizes, strideSizes);
}

/** `(tensor, requires_grad, hooks)` */
function rebuildParameter([tensor]: readonly PickleValue[]): TorchTensor {
  if (tensor instanceof TorchTensor) return tensor;
  throw unsafePickle('a parameter is rebuilt from what is not a tensor');
}

function orderedDict(args: readonly PickleValue[]): PickleDict {
  if (args.length > 0) throw unsafePickle('an OrderedDict is made with arguments');
  return new PickleDict(true);
}

function sizes(value: PickleValue | undefined): number[] | undefined {
  return value instanceof PickleTuple && value.items.every(isSize) ? [...value.items] : undefined;
}

function isSize(value: PickleValue | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
