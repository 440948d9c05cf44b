import { quote } from '../quote';
import { PickleReader } from './pickle-reader';
import {
  isHashable,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleOpaque,
  PickleSet,
  PickleTuple,
  type PickleValue,
  unsafePickle,
} from './pickle-values';

const MAX_OPERATIONS = 3_000_000;
const MAX_STACK = 100_000;
/**
 * Limit on the total arguments of calls. Otherwise a few bytes could copy a large list many times.
 */
const MAX_ARGUMENTS = 3_000_000;

/** What a pickle may refer to. Both functions throw ERR_CHECKPOINT_UNSAFE for anything else. */
export interface PickleWorld {
  global(module: string, name: string): PickleGlobal;
  persistent(id: PickleValue): PickleValue;
}

/**
 * Interprets pickle protocols 1 to 5 as plain data. It looks up no class outside `world` and sets
 * no attributes. Work and memory are limited.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSAFE for all other or malformed operations
 */
export function unpickle(bytes: Buffer, world: PickleWorld): PickleValue {
  const reader = new PickleReader(bytes);
  const value = unpickleNext(reader, world);
  if (reader.atEnd) return value;
  throw unsafePickle(`bytes are left over after its end at ${reader.position}`);
}

/** Like `unpickle`, for one of several consecutive pickles. It leaves `reader` after the pickle. */
export function unpickleNext(reader: PickleReader, world: PickleWorld): PickleValue {
  return new Unpickler(reader, world).run();
}

class Unpickler {
  /** Operations by opcode. run() handles PROTO and STOP, which frame the program. */
  static readonly #operations: Readonly<Record<string, (u: Unpickler) => void>> = {
    '\x95': (u) => u.#reader.bytes(8), // FRAME is only a hint for buffering.
    N: (u) => u.#push(null),
    '\x88': (u) => u.#push(true),
    '\x89': (u) => u.#push(false),
    J: (u) => u.#push(u.#reader.i32()),
    K: (u) => u.#push(u.#reader.u8()),
    M: (u) => u.#push(u.#reader.u16()),
    '\x8a': (u) => u.#push(u.#reader.long(u.#reader.u8())),
    I: (u) => u.#push(u.#reader.integer()),
    L: (u) => u.#push(u.#reader.integer()),
    G: (u) => u.#push(u.#reader.float()),
    X: (u) => u.#push(u.#reader.string(u.#reader.u32())),
    '\x8c': (u) => u.#push(u.#reader.string(u.#reader.u8())),
    '\x8d': (u) => u.#push(u.#reader.string(u.#reader.u64())),
    T: (u) => u.#push(u.#reader.oldString(u.#reader.u32())),
    U: (u) => u.#push(u.#reader.oldString(u.#reader.u8())),
    B: (u) => u.#push(u.#reader.bytes(u.#reader.u32())),
    C: (u) => u.#push(u.#reader.bytes(u.#reader.u8())),
    '\x8e': (u) => u.#push(u.#reader.bytes(u.#reader.u64())),
    '\x96': (u) => u.#push(u.#reader.bytes(u.#reader.u64())),
    '(': (u) => u.#mark(),
    ')': (u) => u.#push(new PickleTuple([])),
    t: (u) => u.#push(new PickleTuple(u.#popToMark())),
    '\x85': (u) => u.#push(new PickleTuple(u.#popMany(1))),
    '\x86': (u) => u.#push(new PickleTuple(u.#popMany(2))),
    '\x87': (u) => u.#push(new PickleTuple(u.#popMany(3))),
    ']': (u) => u.#push(new PickleList()),
    a: (u) => u.#append(u.#popMany(1)),
    e: (u) => u.#append(u.#popToMark()),
    '}': (u) => u.#push(new PickleDict(false)),
    s: (u) => u.#setItems(u.#popMany(2)),
    u: (u) => u.#setItems(u.#popToMark()),
    '\x8f': (u) => u.#push(new PickleSet()),
    '\x90': (u) => u.#addItems(u.#popToMark()),
    '\x91': (u) => u.#makeFrozenSet(u.#popToMark()),
    '0': (u) => u.#pop(),
    '1': (u) => u.#popToMark(),
    '2': (u) => u.#push(u.#top()),
    q: (u) => u.#memoize(u.#reader.u8()),
    r: (u) => u.#memoize(u.#reader.u32()),
    '\x94': (u) => u.#memoize(u.#memo.size),
    h: (u) => u.#recall(u.#reader.u8()),
    j: (u) => u.#recall(u.#reader.u32()),
    c: (u) => u.#push(u.#world.global(u.#reader.line(), u.#reader.line())),
    '\x93': (u) => u.#stackGlobal(),
    Q: (u) => u.#push(u.#world.persistent(u.#pop())),
    R: (u) => u.#call(),
    '\x81': (u) => u.#call(),
    b: (u) => u.#build(),
  };

  readonly #reader: PickleReader;
  readonly #world: PickleWorld;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #arguments = 0;

  constructor(reader: PickleReader, world: PickleWorld) {
    this.#reader = reader;
    this.#world = world;
  }

  run(): PickleValue {
    const protocol = this.#reader.protocol();
    if (protocol < 1 || protocol > 5) {
      throw unsafePickle(`expected protocol 1 to 5, found ${protocol}`);
    }
    for (let count = 0; count < MAX_OPERATIONS; count++) {
      const opcode = String.fromCharCode(this.#reader.u8());
      if (opcode === '.') return this.#stop();
      const operation = Unpickler.#operations[opcode];
      if (operation === undefined) throw this.#refuse(`unexpected operation ${quote(opcode)}`);
      operation(this);
    }
    throw unsafePickle(`it runs longer than ${MAX_OPERATIONS} operations`);
  }

  #stop(): PickleValue {
    const value = this.#pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) {
      throw this.#refuse('it stops with values left over');
    }
    return value;
  }

  #push(value: PickleValue): void {
    if (this.#stack.length >= MAX_STACK) throw this.#refuse('stack overflow');
    this.#stack.push(value);
  }

  #mark(): void {
    if (this.#marks.length >= MAX_STACK) throw this.#refuse('stack overflow');
    this.#marks.push(this.#stack.length);
  }

  #pop(): PickleValue {
    const [value = null] = this.#popMany(1);
    return value;
  }

  /** Pops values from above the latest mark. */
  #popMany(count: number): PickleValue[] {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length - count < floor) throw this.#refuse('stack underflow');
    return this.#stack.splice(this.#stack.length - count);
  }

  #popToMark(): PickleValue[] {
    const start = this.#marks.pop();
    if (start === undefined) throw this.#refuse('no mark on the stack');
    return this.#stack.splice(start);
  }

  #top(): PickleValue {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  #append(items: PickleValue[]): void {
    const list = this.#top();
    if (!(list instanceof PickleList)) throw this.#refuse('appends to what is not a list');
    for (const item of items) list.items.push(item);
  }

  #makeFrozenSet(items: PickleValue[]): void {
    if (!items.every(isHashable)) throw this.#refuse('an item of a set cannot be hashed');
    this.#push(new PickleOpaque());
  }

  #addItems(items: PickleValue[]): void {
    if (!(this.#top() instanceof PickleSet)) throw this.#refuse('adds to what is not a set');
    if (!items.every(isHashable)) throw this.#refuse('an item of a set cannot be hashed');
  }

  #setItems(items: PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof PickleDict)) throw this.#refuse('sets an item of what is not a dict');
    if (items.length % 2 !== 0) throw this.#refuse('sets an item without a value');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (key === undefined || !isHashable(key)) throw this.#refuse('a key cannot be hashed');
      dict.entries.set(key, items[i + 1] ?? null);
    }
  }

  #memoize(index: number): void {
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#refuse(`recalls ${index}, which was never memoized`);
    this.#push(value);
  }

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.#refuse('the name of a global is not a string');
    }
    this.#push(this.#world.global(module, name));
  }

  /** Runs REDUCE and NEWOBJ, which can only call functions of the allow-list. */
  #call(): void {
    const [callee, args] = this.#popMany(2);
    if (!(callee instanceof PickleGlobal) || callee.call === undefined) {
      throw this.#refuse('calls what is not a function');
    }
    if (!(args instanceof PickleTuple)) throw this.#refuse('calls with what is not a tuple');
    for (const arg of args.items) this.#arguments += lengthOf(arg);
    if (this.#arguments > MAX_ARGUMENTS) throw this.#refuse('its functions take too much');
    this.#push(callee.call(args.items));
  }

  /**
   * Runs BUILD. It ignores attributes of dictionaries, such as the `_metadata` of every state dict.
   */
  #build(): void {
    const [state = null] = this.#popMany(1);
    const target = this.#top();
    if (target instanceof PickleObject) target.build(state);
    else if (!(target instanceof PickleDict) || !target.hasAttributes) {
      throw this.#refuse('sets the state of what has none (BUILD)');
    }
  }

  #refuse(problem: string): Error {
    return unsafePickle(`${problem} (before byte ${this.#reader.position})`);
  }
}

function lengthOf(value: PickleValue): number {
  if (value instanceof PickleDict) return value.entries.size;
  return value instanceof PickleList || value instanceof PickleTuple ? value.items.length : 1;
}
