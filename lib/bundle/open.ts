import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path/posix';
import { LLM2CLIPError } from '../errors';
import { blobOf } from '../files/blob-link';
import { digestFile } from './digest';
import {
  type FileDigest,
  MANIFEST_NAME,
  type Manifest,
  parseManifest,
  requireVision,
  type VisionManifest,
} from './manifest';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './text-manifest';

/** Far more than any manifest needs. */
const MANIFEST_LIMIT = 16 << 20;

/** A bundle held by its directory and its files: whatever replaces it meanwhile, they stay these. */
export interface OpenBundle {
  readonly manifest: Manifest;
  /**
   * Checks size and digest of a file that the manifest lists, and gives a path by which native code
   * opens that very file. Valid until close().
   *
   * @throws LLM2CLIPError ERR_BUNDLE_INVALID
   */
  verify(name: string): Promise<string>;
  close(): Promise<void>;
}

/** What a failed open of `name` means. */
function openFailure(
  error: unknown,
  path: string,
  missing: 'ERR_NOT_FOUND' | 'ERR_BUNDLE_INVALID',
) {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new LLM2CLIPError(missing, `expected ${path}, found nothing there`);
  if (code === 'ENOTDIR' || code === 'ELOOP') {
    return new LLM2CLIPError(
      'ERR_BUNDLE_INVALID',
      `expected a bundle folder with plain files, found another kind of file at ${path}`,
    );
  }
  return new LLM2CLIPError('ERR_IO', `cannot open ${path}: ${message}`);
}

function requireEqual(found: FileDigest, expected: FileDigest, path: string): void {
  for (const key of ['bytes', 'sha256'] as const) {
    if (found[key] === expected[key]) continue;
    throw new LLM2CLIPError(
      'ERR_BUNDLE_INVALID',
      `expected ${key} ${expected[key]} of ${path}, found ${found[key]}; ` +
        'the bundle is damaged: convert the checkpoint again with `npx llm2clip convert --force`',
    );
  }
}

class BundleFiles {
  readonly #path: string;
  readonly #directory: FileHandle;
  /** Of every folder and file opened so far. */
  readonly #handles: FileHandle[] = [];
  /** Files opened by hold(), by name. */
  readonly #held = new Map<string, FileHandle>();

  private constructor(path: string, directory: FileHandle) {
    this.#path = path;
    this.#directory = directory;
  }

  static async at(path: string): Promise<BundleFiles> {
    try {
      const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
      return new BundleFiles(path, directory);
    } catch (error) {
      throw openFailure(error, path, 'ERR_NOT_FOUND');
    }
  }

  /** Whether another bundle lies at the path now. */
  async isReplaced(): Promise<boolean> {
    const held = await this.#directory.stat({ bigint: true });
    const now = await stat(this.#path, { bigint: true }).catch(() => undefined);
    return now !== undefined && (now.ino !== held.ino || now.dev !== held.dev);
  }

  /** Opens files that are read later, since a bundle that is replaced is removed, file by file. */
  async #hold(names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        this.#held.set(name, await this.open(name));
      } catch (error) {
        // Of a bundle that is damaged, verify() says which file is missing.
        if (await this.isReplaced()) throw error;
      }
    }
  }

  async opened(): Promise<OpenBundle> {
    const manifest = await this.manifest();
    await this.#hold(readLater(manifest));
    return {
      manifest,
      verify: (name) => this.verify(name, manifest),
      close: () => this.close(),
    };
  }

  /**
   * Opens a file through the directory's handle, so that a replaced bundle cannot mix with this one,
   * and one folder after the other, so that no link leads out of the bundle but into a folder of blobs.
   */
  async open(name: string): Promise<FileHandle> {
    const folders = name.split('/').slice(0, -1);
    let folder = this.#directory;
    try {
      for (const part of folders) folder = await this.#openIn(folder, part, constants.O_DIRECTORY);
      const file = await this.#openFile(folder, basename(name));
      if ((await file.stat()).isFile()) return file;
    } catch (error) {
      throw openFailure(error, `${this.#path}/${name}`, 'ERR_BUNDLE_INVALID');
    }
    throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `expected a file at ${this.#path}/${name}`);
  }

  /** A file of the folder itself, or what it is a link to in the hub's cache. */
  async #openFile(folder: FileHandle, name: string): Promise<FileHandle> {
    try {
      return await this.#openIn(folder, name, constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
      const blob = await blobOf(`/proc/self/fd/${folder.fd}/${name}`);
      if (blob === undefined) throw error;
      return this.#openIn(folder, blob, constants.O_NONBLOCK);
    }
  }

  async #openIn(folder: FileHandle, name: string, flags: number): Promise<FileHandle> {
    const path = `/proc/self/fd/${folder.fd}/${name}`;
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags);
    this.#handles.push(file);
    return file;
  }

  /** What `read` gives of an open file; a failing disk is ERR_IO. */
  async #reading<T>(name: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      const { message } = error as Error;
      const options = { cause: error };
      throw new LLM2CLIPError('ERR_IO', `cannot read ${this.#path}/${name}: ${message}`, options);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#handles.splice(0), this.#directory].map((file) => file.close()));
  }

  async manifest(): Promise<Manifest> {
    const file = await this.open(MANIFEST_NAME);
    if ((await file.stat()).size > MANIFEST_LIMIT) {
      throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `${MANIFEST_NAME} is larger than 16 MiB`);
    }
    return parseManifest(await this.#reading(MANIFEST_NAME, () => file.readFile('utf8')));
  }

  async verify(name: string, manifest: Manifest): Promise<string> {
    const expected = manifest.files[name];
    if (expected === undefined || !Object.hasOwn(manifest.files, name)) {
      throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `${MANIFEST_NAME} lists no file ${name}`);
    }
    const file = this.#held.get(name) ?? (await this.open(name));
    const found = await this.#reading(name, async () => {
      const { size } = await file.stat();
      // The digest of a file of another size can't be right.
      return size === expected.bytes ? digestFile(file) : { bytes: size, sha256: '' };
    });
    requireEqual(found, expected, `${this.#path}/${name}`);
    return `/proc/self/fd/${file.fd}`;
  }
}

/** What native code opens, as far as the manifest lists it. */
function readLater({ parts, files }: Manifest): string[] {
  const names = [...Object.values(parts), TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];
  return names.filter((name) => Object.hasOwn(files, name));
}

/**
 * Opens a bundle and reads its manifest.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_BUNDLE_INVALID, ERR_ENGINE_INCOMPATIBLE, ERR_IO
 */
export async function openBundle(path: string): Promise<OpenBundle> {
  for (;;) {
    const files = await BundleFiles.at(path);
    try {
      return await files.opened();
    } catch (error) {
      const isReplaced = await files.isReplaced();
      await files.close();
      if (!isReplaced) throw error;
    }
  }
}

/** What a bundle says of itself. Errors as openBundle's. */
export async function readManifest(path: string): Promise<Manifest> {
  const bundle = await openBundle(path);
  await bundle.close();
  return bundle.manifest;
}

/** The same of one with a vision tower. @throws LLM2CLIPError also ERR_ENGINE_INCOMPATIBLE without one */
export async function readVisionManifest(path: string): Promise<VisionManifest> {
  const manifest = await readManifest(path);
  requireVision(manifest);
  return manifest;
}
