// The functions of torch that rebuild tensors (torch/_utils.py and torch/_tensor.py of 2.11), by
// name.
import type { Dtype, UnreadableKind } from './dtype';
import {
  PickleDict,
  PickleGlobal,
  PickleTuple,
  type PickleValue,
  unsafePickle,
} from './pickle-values';
import { TORCH_DTYPES } from './torch-dtypes';
import { sizes, TorchTensor, viewOf } from './torch-objects';

type Arguments = readonly PickleValue[];

/** Builders of plain tensors. They ignore gradients and hooks. */
const PLAIN_BUILDERS: Readonly<Record<string, (args: Arguments) => TorchTensor>> = {
  'torch._utils._rebuild_tensor': (args) => plainTensor(args, { least: 4, most: 4 }),
  'torch._utils._rebuild_tensor_v2': (args) => plainTensor(args, { least: 4, most: 7 }, args[6]),
  'torch._utils._rebuild_tensor_v3': (args) =>
    plainTensor(args, { least: 7, most: 8 }, args[7], dtypeOf(args[6])),
  'torch._utils._rebuild_qtensor': (args) => plainTensor(args, { least: 7, most: 7 }),
  'torch._utils._rebuild_parameter': parameter,
  'torch._utils._rebuild_parameter_with_state': parameter,
  'torch.nn.parameter.Parameter': parameter,
  'torch.Tensor': noTensorYet,
  'torch._utils._rebuild_sparse_tensor': () => unreadable('sparse'),
  'torch._utils._rebuild_nested_tensor': () => unreadable('nested'),
  'torch._utils._rebuild_meta_tensor_no_storage': (args) => unreadable('meta', args[1]),
  'torch._utils._rebuild_wrapper_subclass': (args) => unreadable('wrapper', args[2]),
  'torch._utils._rebuild_device_tensor_from_numpy': () => unreadable('numpy'),
  'torch._utils._rebuild_device_tensor_from_cpu_tensor': ([tensor]) => tensorOf(tensor),
};

/** All builders. Each returns a tensor or refuses its arguments. */
export const TENSOR_BUILDERS: typeof PLAIN_BUILDERS = {
  ...PLAIN_BUILDERS,
  'torch._tensor._rebuild_from_type_v2': tensorWithAttributes,
};

/** Arguments: `(storage, offset, shape, strides, …)`. */
function plainTensor(
  args: Arguments,
  { least, most }: { least: number; most: number },
  metadata: PickleValue = null,
  dtype?: Dtype,
): TorchTensor {
  if (args.length < least || args.length > most) {
    throw unsafePickle('a tensor is rebuilt from unexpected arguments');
  }
  const view = viewOf(args, dtype);
  return isPlain(metadata) ? new TorchTensor(view) : unreadable('conjugated', args[2]);
}

/** Whether a tensor's numbers need not be conjugated or negated when they are read. */
function isPlain(metadata: PickleValue): boolean {
  if (metadata === null) return true;
  if (metadata instanceof PickleDict) {
    return [...metadata.entries.values()].every((value) => value === false);
  }
  throw unsafePickle('the metadata of a tensor is not a dictionary');
}

/** Arguments: `(tensor, …)`, or none for a parameter whose state follows. */
function parameter(args: Arguments): TorchTensor {
  return args.length === 0 ? noTensorYet(args) : tensorOf(args[0]);
}

function noTensorYet(args: Arguments): TorchTensor {
  if (args.length === 0) return unreadable('meta');
  throw unsafePickle('a tensor is made with arguments');
}

/** Arguments: `(function, class, arguments, attributes)`. It calls only the functions above. */
function tensorWithAttributes([builder, , args]: Arguments): TorchTensor {
  const build =
    builder instanceof PickleGlobal ? ownProperty(PLAIN_BUILDERS, builder.name) : undefined;
  if (build !== undefined && args instanceof PickleTuple) return build(args.items);
  throw unsafePickle('a tensor with attributes is rebuilt by what rebuilds no tensor');
}

function tensorOf(value: PickleValue | undefined): TorchTensor {
  if (value instanceof TorchTensor) return value;
  throw unsafePickle('a parameter is rebuilt from what is not a tensor');
}

function dtypeOf(value: PickleValue | undefined): Dtype {
  const name = value instanceof PickleGlobal ? value.name.replace(/^torch\./, '') : '';
  const dtype = ownProperty(TORCH_DTYPES, name);
  if (dtype !== undefined) return dtype;
  throw unsafePickle('the type of a tensor is none of torch');
}

function unreadable(kind: UnreadableKind, shape?: PickleValue): TorchTensor {
  return new TorchTensor({ kind, shape: sizes(shape) ?? [] });
}

function ownProperty<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
