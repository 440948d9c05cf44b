import { LLM2CLIPError } from '../errors';

/** The values of an unpickled program. None of them has behaviour of the file's choosing. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleTuple
  | PickleList
  | PickleSet
  | PickleDict
  | PickleGlobal
  | PickleObject;

export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A set. Its items are not kept, because nobody needs them. */
export class PickleSet {}

/**
 * A dict, or a similar type of `collections`. Keys that are equal only in Python remain separate.
 */
export class PickleDict {
  readonly entries: Map<PickleValue, PickleValue>;
  /**
   * Whether Python allows attributes: for OrderedDict, Counter and defaultdict, but not for dict.
   */
  readonly hasAttributes: boolean;

  constructor(hasAttributes: boolean, entries: Iterable<readonly [PickleValue, PickleValue]> = []) {
    this.hasAttributes = hasAttributes;
    this.entries = new Map(entries);
  }
}

/**
 * A name of the allow-list, with the function that calling it runs. Without `call` it is a token.
 */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** Base class of the objects that the functions of the allow-list make. */
export abstract class PickleObject {
  /** Receives the state that the file gives to the object (BUILD). */
  abstract build(state: PickleValue): void;
}

/** An object that holds no data, does nothing and cannot be called. */
export class PickleOpaque extends PickleObject {
  build(): void {}
}

/** Whether a value is hashable in Python. Opaque objects are assumed to be. */
export function isHashable(value: PickleValue): boolean {
  return !(
    value instanceof PickleList ||
    value instanceof PickleDict ||
    value instanceof PickleSet
  );
}

export function unsafePickle(problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSAFE',
    `this checkpoint's pickle is refused: ${problem}. Only tensors, plain values and a few inert ` +
      'types are loaded; save the state dict alone, or convert it to safetensors',
  );
}
