// The allow-list of names that a pickle may refer to, and what each of them does. Nothing outside
// this table is looked up, and nothing in it calls code of the file's choosing.

import { quote } from '../quote';
import {
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleOpaque,
  PickleSet,
  PickleTuple,
  type PickleValue,
  unsafePickle,
} from './pickle-values';
import { STORAGE_DTYPES, TORCH_DTYPES } from './torch-dtypes';
import { TENSOR_BUILDERS } from './torch-rebuild';

type Call = (args: readonly PickleValue[]) => PickleValue;

/** Prefixes names with their module. */
const under = (module: string, ...names: string[]) => names.map((name) => `${module}.${name}`);

/** Containers, whose content is read. */
const CONTAINERS: Readonly<Record<string, Call>> = {
  'collections.OrderedDict': (args) => new PickleDict(true, pairsOf(args)),
  'collections.Counter': (args) => new PickleDict(true, pairsOf(args)),
  'collections.defaultdict': ([, ...args]) => new PickleDict(true, pairsOf(args)),
  'builtins.set': () => new PickleSet(),
  'builtins.frozenset': () => new PickleOpaque(),
  'torch.Size': ([items]) => tupleOf(items),
};

/** Names that are never called: element types, storage classes, factories of a defaultdict. */
const TOKENS: readonly string[] = [
  ...Object.keys(TORCH_DTYPES).map((name) => `torch.${name}`),
  ...Object.keys(STORAGE_DTYPES),
  'torch.storage.TypedStorage',
  ...tensorClasses(),
  ...under('torch', 'per_tensor_affine', 'per_tensor_symmetric', 'per_channel_affine'),
  ...under('torch', 'per_channel_symmetric', 'per_channel_affine_float_qparams'),
  ...under('builtins', 'bool', 'bytes', 'dict', 'float', 'int', 'list', 'str', 'tuple'),
  ...under('numpy', 'ndarray', 'record', 'bool', 'bool_', 'bytes_', 'datetime64', 'object_'),
  ...under('numpy', 'str_', 'timedelta64', 'void', ...numpyNumbers()),
];

/** NumPy 2 moved its private modules to `_core`. */
const NUMPY_CORES = ['numpy.core', 'numpy._core'];

/**
 * Objects that training scripts save with the weights. A call returns an opaque object and does
 * nothing.
 */
const INERT: readonly string[] = [
  ...under('builtins', 'bytearray', 'complex', 'range', 'slice'),
  '_codecs.encode',
  ...under('torch', 'device', 'serialization._get_layout'),
  'argparse.Namespace',
  ...under('datetime', 'date', 'datetime', 'time', 'timedelta', 'timezone'),
  ...['pathlib', 'pathlib._local'].flatMap((module) =>
    under(
      module,
      'Path',
      'PosixPath',
      'PurePath',
      'PurePosixPath',
      'PureWindowsPath',
      'WindowsPath',
    ),
  ),
  'random.Random',
  'numpy.dtype',
  ...NUMPY_CORES.flatMap((core) => [
    ...under(`${core}.multiarray`, '_reconstruct', 'scalar'),
    `${core}.numeric._frombuffer`,
  ]),
  ...under('numpy.dtypes', ...numpyDtypeClasses()),
  ...under('numpy.random', '__RandomState_ctor', 'bit_generator.SeedSequence'),
  'numpy.random.bit_generator.__pyx_unpickle_SeedSequence',
  ...under('numpy.random._pickle', '__bit_generator_ctor', '__generator_ctor'),
  'numpy.random._pickle.__randomstate_ctor',
  ...under('numpy.random', '_mt19937.MT19937', '_pcg64.PCG64', '_pcg64.PCG64DXSM'),
  ...under('numpy.random', '_philox.Philox', '_sfc64.SFC64'),
];

const GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    ...Object.entries({ ...CONTAINERS, ...TENSOR_BUILDERS }).map(
      ([name, call]) => new PickleGlobal(name, call),
    ),
    ...TOKENS.map((name) => new PickleGlobal(name)),
    ...INERT.map((name) => new PickleGlobal(name, () => new PickleOpaque())),
  ].map((allowed) => [allowed.name, allowed]),
);

/** Old names, from Python 2 or older versions of torch, and their present names. */
const RENAMED: Readonly<Record<string, string>> = {
  '__builtin__.xrange': 'builtins.range',
  '__builtin__.long': 'builtins.int',
  '__builtin__.unicode': 'builtins.str',
  'torch.tensor._rebuild_from_type_v2': 'torch._tensor._rebuild_from_type_v2',
};

function nameOfToday(module: string, name: string): string {
  const full = `${module}.${name}`;
  if (Object.hasOwn(RENAMED, full)) return RENAMED[full] ?? full;
  return module === '__builtin__' ? `builtins.${name}` : full;
}

/**
 * Looks a name up in the allow-list.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSAFE, with the name, if it is not on the list
 */
export function allowedGlobal(module: string, name: string): PickleGlobal {
  const found = GLOBALS.get(nameOfToday(module, name));
  // "torch" + "_utils.x" and "torch._utils" + "x" look alike, but torch writes only the latter.
  if (found === undefined || name.includes('.')) {
    throw unsafePickle(`it asks for ${quote(`${module}.${name}`)}, which is not on the allow-list`);
  }
  return found;
}

/** Returns the pairs of a mapping or of a sequence of pairs, as dict() accepts them. */
function pairsOf(args: readonly PickleValue[]): [PickleValue, PickleValue][] {
  const [source, ...more] = args;
  if (source === undefined) return [];
  if (more.length === 0 && source instanceof PickleDict) return [...source.entries];
  const isSequence = source instanceof PickleList || source instanceof PickleTuple;
  const pairs = isSequence ? source.items.map(pairOf) : [undefined];
  if (more.length === 0 && pairs.every((pair) => pair !== undefined)) return pairs;
  throw unsafePickle('a dictionary is made from something other than pairs of a key and a value');
}

function pairOf(value: PickleValue): [PickleValue, PickleValue] | undefined {
  const isSequence = value instanceof PickleList || value instanceof PickleTuple;
  const [key, item, ...more] = isSequence ? value.items : [];
  return key === undefined || item === undefined || more.length > 0 ? undefined : [key, item];
}

function tupleOf(value: PickleValue | undefined): PickleTuple {
  if (value === undefined) return new PickleTuple([]);
  if (value instanceof PickleTuple) return value;
  if (value instanceof PickleList) return new PickleTuple([...value.items]);
  throw unsafePickle('a torch.Size is made of what is no sequence');
}

/** Lists torch.FloatTensor and similar classes, for each device and layout. */
function tensorClasses(): string[] {
  const kinds = [
    'BFloat16',
    'Bool',
    'Byte',
    'Char',
    'Double',
    'Float',
    'Half',
    'Int',
    'Long',
    'Short',
  ];
  const modules = ['torch', 'torch.cuda', 'torch.sparse', 'torch.cuda.sparse'];
  return modules.flatMap((module) => under(module, ...kinds.map((kind) => `${kind}Tensor`)));
}

function numpyNumbers(): string[] {
  const bits = (kind: string, ...widths: number[]) => widths.map((width) => `${kind}${width}`);
  return [
    ...bits('int', 8, 16, 32, 64),
    ...bits('uint', 8, 16, 32, 64),
    ...bits('float', 16, 32, 64, 128),
    ...bits('complex', 64, 128, 256),
    ...['longdouble', 'clongdouble', 'longlong', 'ulonglong'],
  ];
}

function numpyDtypeClasses(): string[] {
  const numbers = [
    'Int8',
    'Int16',
    'Int32',
    'Int64',
    'UInt8',
    'UInt16',
    'UInt32',
    'UInt64',
    'Float16',
  ];
  const others = ['Bool', 'Bytes', 'DateTime64', 'Object', 'Str', 'String', 'TimeDelta64', 'Void'];
  const wide = ['Float32', 'Float64', 'LongDouble', 'Complex64', 'Complex128', 'CLongDouble'];
  return [...numbers, ...wide, ...others].map((name) => `${name}DType`);
}
