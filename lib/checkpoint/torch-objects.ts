import type { Dtype, UnreadableKind } from './dtype';
import { PickleObject, PickleTuple, type PickleValue, unsafePickle } from './pickle-values';

/** A storage, as a tensor's pickle refers to it. Its fields are unchecked claims of the file. */
export class TorchStorage extends PickleObject {
  readonly dtype: Dtype;
  readonly key: string;
  /** Number of elements of the whole storage. */
  readonly length: number;
  /** The visible part of it, in elements: everything, except for views in old files. */
  readonly part: { first: number; count: number };

  constructor(
    dtype: Dtype,
    key: string,
    length: number,
    part: { first: number; count: number } = { first: 0, count: length },
  ) {
    super();
    this.dtype = dtype;
    this.key = key;
    this.length = length;
    this.part = part;
  }

  build(): void {
    throw unsafePickle('it sets the state of a storage');
  }
}

/**
 * Position of a tensor in a storage. Its integers are checked to be sizes, but not against the
 * storage.
 */
export interface StridedView {
  storage: TorchStorage;
  /** Type of the storage, unless the storage holds plain bytes of another type. */
  dtype: Dtype;
  /** Offset in elements of `dtype`. */
  offset: number;
  shape: number[];
  strides: number[];
}

/** A tensor that cannot be read. A checkpoint may hold such tensors beside its weights. */
export interface UnreadableTensor {
  kind: UnreadableKind;
  /** Shape; empty if it is not known. */
  shape: number[];
}

export class TorchTensor extends PickleObject {
  #content: StridedView | UnreadableTensor;

  constructor(content: StridedView | UnreadableTensor) {
    super();
    this.#content = content;
  }

  get content(): StridedView | UnreadableTensor {
    return this.#content;
  }

  /**
   * Sets the state as torch.Tensor.__setstate__ does. The state is `(storage, offset, shape,
   * strides)`, or `(tensor, gradient, hooks, requires_grad, volatile)` for old variables, or only
   * the last three of these, which do not matter here.
   */
  build(state: PickleValue): void {
    const items = state instanceof PickleTuple ? state.items : [];
    if (items.length === 4) this.#content = viewOf(items);
    else if (items.length === 5 && items[0] instanceof TorchTensor)
      this.#content = items[0].content;
    else if (items.length !== 3) throw unsafePickle('it sets the state of a tensor (BUILD)');
  }
}

/**
 * Makes a view from `(storage, offset, shape, strides)`. The default `dtype` is that of the
 * storage.
 */
export function viewOf(args: readonly PickleValue[], dtype?: Dtype): StridedView {
  const [storage, offset, shapeValue, stridesValue] = args;
  const shape = sizes(shapeValue);
  const strides = sizes(stridesValue);
  if (
    !(storage instanceof TorchStorage) ||
    !isSize(offset) ||
    shape === undefined ||
    strides?.length !== shape.length
  ) {
    throw unsafePickle('a tensor is rebuilt from unexpected arguments');
  }
  return { storage, dtype: dtype ?? storage.dtype, offset, shape, strides };
}

/** Limits the cost of a shape that many tensors share. The parsers allow far fewer dimensions. */
const MOST_SIZES = 128;

export function sizes(value: PickleValue | undefined): number[] | undefined {
  if (!(value instanceof PickleTuple) || value.items.length > MOST_SIZES) return undefined;
  return value.items.every(isSize) ? [...value.items] : undefined;
}

export function isSize(value: PickleValue | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
