import { LLM2CLIPError } from '../errors';

/** What an unpickled program can hold. Nothing here has behaviour of the file's choosing. */
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

/** A set, whose items nobody asks for. */
export class PickleSet {}

/** dict, or one of collections' kinds of it. Keys that are equal in Python alone stay apart. */
export class PickleDict {
  readonly entries: Map<PickleValue, PickleValue>;
  /** Whether Python lets attributes be set: of OrderedDict, Counter and defaultdict, not of dict. */
  readonly hasAttributes: boolean;

  constructor(hasAttributes: boolean, entries: Iterable<readonly [PickleValue, PickleValue]> = []) {
    this.hasAttributes = hasAttributes;
    this.entries = new Map(entries);
  }
}

/** A name of the table of globals, and what calling it gives; without `call` it is a mere token. */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** Base of what the functions of the table make. */
export abstract class PickleObject {
  /** Takes the state that the file gives an object (BUILD). */
  abstract build(state: PickleValue): void;
}

/** An object of which only the class is known. It holds nothing, does nothing, and cannot be called. */
export class PickleOpaque extends PickleObject {
  readonly className: string;

  constructor(className: string) {
    super();
    this.className = className;
  }

  build(): void {}
}

/** As Python has it; of opaque objects it is not known and taken to be so. */
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
