import type { Dtype, UnreadableKind } from './dtype';
import { PickleObject, PickleTuple, type PickleValue, unsafePickle } from './pickle-values';

/** Bytes of the file, as a tensor's pickle refers to them. Unchecked claims of the file. */
export class TorchStorage extends PickleObject {
  readonly dtype: Dtype;
  readonly key: string;
  /** Number of elements of the whole. */
  readonly length: number;
  /** The part of it that this is, in elements: all, except for views in old files. */
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

/** Where a tensor's numbers lie in a storage. Integers are checked to be sizes, nothing more. */
export interface StridedView {
  storage: TorchStorage;
  /** The storage's own, unless a tensor of another type lies in plain bytes. */
  dtype: Dtype;
  /** In elements of `dtype`. */
  offset: number;
  shape: number[];
  strides: number[];
}

/** A tensor that cannot be read, of which a checkpoint may still hold any number beside its weights. */
export interface UnreadableTensor {
  kind: UnreadableKind;
  /** Empty where it is not known. */
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
   * As torch.Tensor.__setstate__: `(storage, offset, shape, strides)`; of old variables
   * `(tensor, gradient, hooks, requires_grad, volatile)`; the last three alone, which say nothing here.
   */
  build(state: PickleValue): void {
    const items = state instanceof PickleTuple ? state.items : [];
    if (items.length === 4) this.#content = viewOf(items);
    else if (items.length === 5 && items[0] instanceof TorchTensor)
      this.#content = items[0].content;
    else if (items.length !== 3) throw unsafePickle('it sets the state of a tensor (BUILD)');
  }
}

/** `(storage, offset, shape, strides)`; `dtype` is the storage's where none is given. */
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

/** Bounds what a shape costs that is repeated from tensor to tensor; the parsers allow far fewer. */
const MOST_SIZES = 128;

export function sizes(value: PickleValue | undefined): number[] | undefined {
  if (!(value instanceof PickleTuple) || value.items.length > MOST_SIZES) return undefined;
  return value.items.every(isSize) ? [...value.items] : undefined;
}

export function isSize(value: PickleValue | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
