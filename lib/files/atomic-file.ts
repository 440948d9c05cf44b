import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';

/** Number of bytes that are gathered before they are written. */
const CHUNK = 1 << 20;

/** A temporary file that did not change for so long has no living writer. */
const ABANDONED_MS = 3_600_000;

/**
 * A file that is written piece by piece and appears under its name only when it is complete. Every
 * method throws ERR_IO if the file system reports an error.
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

  /**
   * Deletes temporary files of `path` that have not changed for an hour; their writers were killed.
   */
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

  /** Appends bytes, which must not change afterwards. */
  async append(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes);
    this.#gathered += bytes.length;
    if (this.#gathered >= CHUNK) await this.#flush();
  }

  /** Writes `head` over the file's first bytes and moves the file to its path. */
  async commit(head: Buffer = Buffer.alloc(0)): Promise<void> {
    await this.#flush();
    await translate(this.#path, async () => {
      await this.#file.write(head, 0, head.length, 0);
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#temporary, this.#path);
    });
  }

  /** Deletes the temporary file. It does nothing after commit(). */
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
