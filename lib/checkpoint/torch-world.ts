import type { PickleWorld } from './pickle';
import { allowedGlobal } from './pickle-globals';
import { PickleGlobal, PickleTuple, type PickleValue, unsafePickle } from './pickle-values';
import { STORAGE_DTYPES } from './torch-dtypes';
import { isSize, TorchStorage } from './torch-objects';

/** Everything that a checkpoint may refer to. Anything else is refused with its name. */
export const TORCH_WORLD: PickleWorld = { global: allowedGlobal, persistent: storageOf };

/**
 * Makes a storage from `('storage', torch.FloatStorage, key, device, length)`. Files in the old
 * format have a sixth item: the visible part, or None for everything.
 */
export function storageOf(id: PickleValue): TorchStorage {
  const [tag, type, key, device, length, view = null, ...more] =
    id instanceof PickleTuple ? id.items : [];
  const name = type instanceof PickleGlobal ? type.name : '';
  const dtype = Object.hasOwn(STORAGE_DTYPES, name) ? STORAGE_DTYPES[name] : undefined;
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
  return new TorchStorage(dtype, key, length, partOf(view, length));
}

/** Reads a view: `(key of the view, first element, number of elements)`. */
function partOf(view: PickleValue, length: number): TorchStorage['part'] {
  if (view === null) return { first: 0, count: length };
  const [, first, count] = view instanceof PickleTuple ? view.items : [];
  if (isSize(first) && isSize(count) && first + count <= length) return { first, count };
  throw unsafePickle('a view is not inside its storage');
}
