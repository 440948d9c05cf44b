import { dirname, join, resolve, sep } from 'node:path';
import { invalidContent } from '../arguments';
import { blobOf } from '../files/blob-link';
import { realPath } from '../files/path-bytes';
import { fileError } from '../files/regular-file';

/**
 * The folder of a dataset. Files that the dataset names must be inside it. Otherwise a hostile
 * dataset could open any file of the user by a path or a link, and show its content in an error.
 */
export class DatasetFolder {
  readonly #path: string;
  /** The folder's path with all links resolved. */
  readonly #real: string;

  private constructor(path: string, real: string) {
    this.#path = resolve(path);
    this.#real = real;
  }

  /**
   * Opens the folder of a dataset.
   *
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO
   */
  static async open(path: string): Promise<DatasetFolder> {
    const real = await realPath(path).catch((error: unknown) => {
      throw fileError(path, error, 'a folder');
    });
    return new DatasetFolder(path, real);
  }

  /** Resolves a path relative to this folder. Returns undefined if it leads outside. */
  resolve(...parts: string[]): string | undefined {
    const path = resolve(this.#path, ...parts);
    return isBelow(path, this.#path) ? path : undefined;
  }

  /**
   * Whether a file or folder exists at a path.
   *
   * @param what its description for errors
   * @throws RangeError (ERR_INVALID_ARG) if links lead outside
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

  /** Returns the blob that a file of the hub's cache links to, if the blob is not a link itself. */
  async #blobOf(path: string): Promise<string | undefined> {
    const blob = await blobOf(path);
    if (blob === undefined) return undefined;
    const folder = await realPath(dirname(path));
    const isInside = folder === this.#real || isBelow(folder, this.#real);
    return isInside ? join(folder, blob) : undefined;
  }

  /**
   * Checks that a path does not lead outside the folder, and returns it.
   *
   * @throws RangeError (ERR_INVALID_ARG) if links lead outside
   */
  async requireInside(path: string, what: string): Promise<string> {
    await this.has(path, what);
    return path;
  }

  /** Makes the error for a path that leads outside: RangeError (ERR_INVALID_ARG). */
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
