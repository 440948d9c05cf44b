/**
 * Writes pickle opcodes one by one (protocol 2, as torch.save does), for valid and for forged
 * files.
 */
export class PickleWriter {
  readonly #parts: Buffer[] = [];

  constructor(protocol = 2) {
    this.raw([0x80, protocol]);
  }

  raw(bytes: readonly number[] | string | Uint8Array): this {
    this.#parts.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes));
    return this;
  }

  global(module: string, name: string): this {
    return this.raw(`c${module}\n${name}\n`);
  }

  string(text: string): this {
    const encoded = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(encoded.length);
    return this.raw('X').raw(length).raw(encoded);
  }

  /** Writes BININT if the value fits, else LONG1. */
  int(value: number): this {
    const bytes = Buffer.alloc(8);
    if (value === (value | 0)) {
      bytes.writeInt32LE(value);
      return this.raw('J').raw(bytes.subarray(0, 4));
    }
    bytes.writeBigInt64LE(BigInt(value));
    return this.raw([0x8a, 8]).raw(bytes);
  }

  bool(value: boolean): this {
    return this.raw([value ? 0x88 : 0x89]);
  }

  mark(): this {
    return this.raw('(');
  }

  tuple(...items: number[]): this {
    this.mark();
    for (const item of items) this.int(item);
    return this.raw('t');
  }

  emptyDict(): this {
    return this.raw('}');
  }

  orderedDict(): this {
    return this.global('collections', 'OrderedDict').raw(')R');
  }

  setItems(): this {
    return this.raw('u');
  }

  /** Writes the persistent id of a storage: `('storage', torch.<type>, key, 'cpu', elements)`. */
  storage(type: string, key: string, elements: number): this {
    this.mark().string('storage').global('torch', type).string(key).string('cpu').int(elements);
    return this.raw('tQ');
  }

  tensor(t: {
    type: string;
    key: string;
    elements: number;
    offset?: number;
    shape: number[];
    strides: number[];
  }): this {
    this.global('torch._utils', '_rebuild_tensor_v2').mark().storage(t.type, t.key, t.elements);
    this.int(t.offset ?? 0);
    this.tuple(...t.shape).tuple(...t.strides);
    return this.bool(false).orderedDict().raw('tR');
  }

  /** Writes a call of a global with one string. */
  callWith(module: string, name: string, text: string): this {
    return this.global(module, name).mark().string(text).raw('tR');
  }

  /** Ends the program and returns its bytes. */
  stop(): Buffer {
    this.raw('.');
    return Buffer.concat(this.#parts);
  }
}
