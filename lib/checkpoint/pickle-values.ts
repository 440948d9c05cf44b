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

/** dict, or collections.OrderedDict. Keys of other types than these are refused. */
export class PickleDict {
  readonly entries = new Map<string | number, PickleValue>();
  readonly ordered: boolean;

  constructor(ordered: boolean) {
    this.ordered = ordered;
  }
}

/** A name on the allow-list, and what calling it gives; without `call` it is a mere token. */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** Base of what the allow-listed functions make. */
export abstract class PickleObject {}

export function unsafePickle(problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSAFE',
    `this checkpoint's pickle is refused: ${problem}. Only tensors in plain dictionaries are ` +
      'loaded; save the state dict alone, or convert it to safetensors',
  );
}
