import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';

/** Bytes gathered before they are written. */
const CHUNK = 1 << 20;

/** A file that is being written changes more often. */
const ABANDONED_MS = 3_600_000;

/**
 * A file that is written piece by piece and appears whole or not at all. Every method throws ERR_IO
 * where the file system does not let it.
 */
export class AtomicFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  #pieces: Uint8Array[] = [];
  #gathered = 0;
  #written = 0;

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  static async create(path: string): Promise<AtomicFile> {
    const temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
    const file = await translate(path, () => open(temporary, 'wx'));
    return new AtomicFile(path, temporary, file);
  }

  /** Removes what writers of `path` that were killed an hour ago or longer left beside it. */
  static async removeAbandoned(path: string): Promise<void> {
    const folder = dirname(path);
    for (const name of await translate(path, () => readdir(folder))) {
      if (!name.startsWith(`${basename(path)}.tmp-`)) continue;
      const temporary = join(folder, name);
      const found = await stat(temporary).catch(() => undefined);
      if (found === undefined || Date.now() - found.mtimeMs < ABANDONED_MS) continue;
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  /** The bytes must not change afterwards. */
  async append(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes);
    this.#gathered += bytes.length;
    if (this.#gathered >= CHUNK) await this.#flush();
  }

  /** Puts the file in its place. `head` is written over its first bytes. */
  async commit(head: Buffer = Buffer.alloc(0)): Promise<void> {
    await this.#flush();
    await translate(this.#path, async () => {
      await this.#file.write(head, 0, head.length, 0);
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#temporary, this.#path);
    });
  }

  /** Leaves nothing behind; after commit() it does nothing. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#temporary, { force: true }).catch(() => {});
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#gathered = 0;
    await translate(this.#path, async () => {
      for (let done = 0; done < bytes.length; ) {
        const at = this.#written;
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
        this.#written += bytesWritten;
      }
    });
  }
}

async function translate<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    const { message } = cause as Error;
    throw new LLM2CLIPError('ERR_IO', `cannot write ${path}: ${message}`, { cause });
  }
}
