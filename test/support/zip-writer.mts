import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { piecesOf } from './tensor-data.mts';

const MAX32 = 0xffffffff;
const LOCAL_HEADER_BYTES = 30;
const CRC_AT = 14;

export interface ZipOptions {
  /** Write zip64 records even if the sizes do not need them. */
  zip64?: boolean;
  /** Data begins at a multiple of this many bytes, as torch.save aligns it. */
  alignment?: number;
}

/** Writes STORED entries. Sizes must be known in advance; the checksum is patched in afterwards. */
export class ZipWriter {
  readonly #fd: number;
  readonly #options: ZipOptions;
  readonly #central: Buffer[] = [];
  #at = 0;

  constructor(path: string, options: ZipOptions = {}) {
    this.#fd = openSync(path, 'w');
    this.#options = options;
  }

  add(name: string, data: Uint8Array | Iterable<Uint8Array>, size: number): void {
    const start = this.#at;
    const wide = this.#options.zip64 === true || size >= MAX32 || start >= MAX32;
    const header = this.#localHeader(name, size, wide);
    this.#write(header);
    let crc = 0;
    let written = 0;
    for (const piece of piecesOf(data)) {
      crc = crc32(piece, crc);
      written += piece.length;
      this.#write(piece);
    }
    if (written !== size)
      throw new RangeError(`${name}: expected ${size} bytes, received ${written}`);
    const patch = Buffer.alloc(4);
    patch.writeUInt32LE(crc);
    writeSync(this.#fd, patch, 0, 4, start + CRC_AT);
    this.#central.push(centralHeader(name, crc, size, start, wide));
  }

  close(): void {
    const start = this.#at;
    for (const header of this.#central) this.#write(header);
    const size = this.#at - start;
    const count = this.#central.length;
    const wide = this.#options.zip64 === true || start >= MAX32 || count >= 0xffff;
    if (wide) this.#writeZip64End(count, size, start);
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(wide ? 0xffff : count, 8);
    end.writeUInt16LE(wide ? 0xffff : count, 10);
    end.writeUInt32LE(wide ? MAX32 : size, 12);
    end.writeUInt32LE(wide ? MAX32 : start, 16);
    this.#write(end);
    closeSync(this.#fd);
  }

  /** Writes at an explicit position, so that patching the checksum does not move the next write. */
  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#at + done);
    }
    this.#at += bytes.length;
  }

  #localHeader(name: string, size: number, wide: boolean): Buffer {
    const encoded = Buffer.from(name);
    const zip64 = wide ? zip64Extra([size, size]) : Buffer.alloc(0);
    const before = this.#at + LOCAL_HEADER_BYTES + encoded.length + zip64.length;
    const extra = Buffer.concat([zip64, paddingExtra(before, this.#options.alignment ?? 1)]);
    const header = Buffer.alloc(LOCAL_HEADER_BYTES);
    header.write('PK\x03\x04', 'latin1');
    header.writeUInt16LE(wide ? 45 : 20, 4);
    header.writeUInt32LE(wide ? MAX32 : size, 18);
    header.writeUInt32LE(wide ? MAX32 : size, 22);
    header.writeUInt16LE(encoded.length, 26);
    header.writeUInt16LE(extra.length, 28);
    return Buffer.concat([header, encoded, extra]);
  }

  #writeZip64End(count: number, size: number, start: number): void {
    const end = Buffer.alloc(56 + 20);
    end.write('PK\x06\x06', 'latin1');
    end.writeBigUInt64LE(44n, 4);
    end.writeUInt16LE(45, 12);
    end.writeUInt16LE(45, 14);
    end.writeBigUInt64LE(BigInt(count), 24);
    end.writeBigUInt64LE(BigInt(count), 32);
    end.writeBigUInt64LE(BigInt(size), 40);
    end.writeBigUInt64LE(BigInt(start), 48);
    end.write('PK\x06\x07', 56, 'latin1');
    end.writeBigUInt64LE(BigInt(this.#at), 64);
    end.writeUInt32LE(1, 72);
    this.#write(end);
  }
}

function centralHeader(
  name: string,
  crc: number,
  size: number,
  start: number,
  wide: boolean,
): Buffer {
  const encoded = Buffer.from(name);
  const extra = wide ? zip64Extra([size, size, start]) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.write('PK\x01\x02', 'latin1');
  header.writeUInt16LE(wide ? 45 : 20, 4);
  header.writeUInt16LE(wide ? 45 : 20, 6);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(wide ? MAX32 : size, 20);
  header.writeUInt32LE(wide ? MAX32 : size, 24);
  header.writeUInt16LE(encoded.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(wide ? MAX32 : start, 42);
  return Buffer.concat([header, encoded, extra]);
}

function zip64Extra(values: number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => {
    extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  });
  return extra;
}

/**
 * Makes an extra field "FB", torch.save's padding, that aligns `at` to a multiple of `alignment`.
 */
function paddingExtra(at: number, alignment: number): Buffer {
  if (alignment <= 1) return Buffer.alloc(0);
  const length = (alignment - ((at + 4) % alignment)) % alignment;
  const extra = Buffer.alloc(4 + length, 'Z');
  extra.write('FB', 'latin1');
  extra.writeUInt16LE(length, 2);
  return extra;
}
