import { dirname, join, resolve, sep } from 'node:path';
import { invalidContent } from '../arguments';
import { blobOf } from '../files/blob-link';
import { realPath } from '../files/path-bytes';
import { fileError } from '../files/regular-file';

/**
 * A folder that a dataset lies in. What the dataset names is looked for inside it alone: a path or a
 * link that leads outside would have any file of the user's opened, and said in errors.
 */
export class DatasetFolder {
  readonly #path: string;
  /** Without links. */
  readonly #real: string;

  private constructor(path: string, real: string) {
    this.#path = resolve(path);
    this.#real = real;
  }

  /** @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO */
  static async open(path: string): Promise<DatasetFolder> {
    const real = await realPath(path).catch((error: unknown) => {
      throw fileError(path, error, 'a folder');
    });
    return new DatasetFolder(path, real);
  }

  /** Where `parts` lead from here; undefined for outside. */
  resolve(...parts: string[]): string | undefined {
    const path = resolve(this.#path, ...parts);
    return isBelow(path, this.#path) ? path : undefined;
  }

  /**
   * Whether something is there.
   *
   * @param what it is, for errors
   * @throws RangeError (ERR_INVALID_ARG) where links lead outside
   */
  async has(path: string, what: string): Promise<boolean> {
    const real = await realPath(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw fileError(path, error);
    });
    if (real === undefined) return false;
    if (isBelow(real, this.#real) || real === (await this.#blobOf(path))) return true;
    throw this.outside(what, `${path}, a link that leads outside`);
  }

  /** The content of a file of a snapshot in the hub's cache, which is no link itself. */
  async #blobOf(path: string): Promise<string | undefined> {
    const blob = await blobOf(path);
    if (blob === undefined) return undefined;
    const folder = await realPath(dirname(path));
    const isInside = folder === this.#real || isBelow(folder, this.#real);
    return isInside ? join(folder, blob) : undefined;
  }

  /** @throws RangeError (ERR_INVALID_ARG) where links lead outside */
  async requireInside(path: string, what: string): Promise<string> {
    await this.has(path, what);
    return path;
  }

  /** @returns RangeError (ERR_INVALID_ARG) */
  outside(what: string, found: string): RangeError {
    return invalidContent(
      `expected ${what} inside ${this.#path}, found ${found}; copy the file there, or name its ` +
        'folder with --images or --annotations',
    );
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
