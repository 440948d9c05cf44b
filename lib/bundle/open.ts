import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path/posix';
import { LLM2CLIPError } from '../errors';
import { blobOf } from '../files/blob-link';
import { digestFile, HASHED_HERE } from './digest';
import {
  type FileDigest,
  MANIFEST_NAME,
  type Manifest,
  parseManifest,
  requireVision,
  type VisionManifest,
} from './manifest';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './text-manifest';
import { identityOf, knownDigest, rememberDigest } from './verified-files';

/** Largest manifest that is read, far more than any needs. */
const MANIFEST_LIMIT = 16 << 20;

/**
 * An open bundle. It holds its directory and files open, so that replacing it has no effect on
 * them.
 */
export interface OpenBundle {
  readonly manifest: Manifest;
  /**
   * Checks the size and digest of a file in the manifest. Returns a path, valid until close(),
   * through which native code opens the same file.
   *
   * @param thoroughly Hash the file even if its digest is remembered from an earlier check and it
   *   did not change since.
   * @throws LLM2CLIPError ERR_BUNDLE_INVALID
   */
  verify(name: string, thoroughly?: boolean): Promise<string>;
  close(): Promise<void>;
}

/** Converts a failure to open `name` to an error of this library. */
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

/** Returns the digest of a file, which for a large one may be remembered. */
async function digestOf(file: FileHandle, thoroughly: boolean): Promise<FileDigest> {
  const before = await file.stat({ bigint: true });
  if (before.size <= HASHED_HERE) return digestFile(file);
  const known = thoroughly ? undefined : await knownDigest(identityOf(before));
  if (known !== undefined) return { bytes: Number(before.size), sha256: known };
  const digest = await digestFile(file);
  const after = await file.stat({ bigint: true });
  if (identityOf(after) === identityOf(before)) await rememberDigest(after, digest.sha256);
  return digest;
}

class BundleFiles {
  readonly #path: string;
  readonly #directory: FileHandle;
  /** Handles of all folders and files opened so far. */
  readonly #handles: FileHandle[] = [];
  /** Files opened by #hold(), by name. */
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

  /** Whether the path now leads to another bundle. */
  async isReplaced(): Promise<boolean> {
    const held = await this.#directory.stat({ bigint: true });
    const now = await stat(this.#path, { bigint: true }).catch(() => undefined);
    return now !== undefined && (now.ino !== held.ino || now.dev !== held.dev);
  }

  /** Opens files that are read later, because a replaced bundle is deleted file by file. */
  async #hold(names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        this.#held.set(name, await this.open(name));
      } catch (error) {
        // If the bundle is damaged and not replaced, verify() reports the missing file.
        if (await this.isReplaced()) throw error;
      }
    }
  }

  async opened(): Promise<OpenBundle> {
    const manifest = await this.manifest();
    await this.#hold(readLater(manifest));
    return {
      manifest,
      verify: (name, thoroughly = false) => this.verify(name, manifest, thoroughly),
      close: () => this.close(),
    };
  }

  /**
   * Opens a file through the directory's handle, so that files of a replaced bundle cannot mix with
   * this one. It opens one folder at a time, so that no link can lead outside the bundle, except
   * into the hub cache's folder of blobs.
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

  /** Opens a file of the folder, or the blob in the hub's cache that it links to. */
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

  /** Calls `read` on an open file, and converts a disk error to ERR_IO. */
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

  async verify(name: string, manifest: Manifest, thoroughly: boolean): Promise<string> {
    const expected = manifest.files[name];
    if (expected === undefined || !Object.hasOwn(manifest.files, name)) {
      throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `${MANIFEST_NAME} lists no file ${name}`);
    }
    const file = this.#held.get(name) ?? (await this.open(name));
    const found = await this.#reading(name, async () => {
      const { size } = await file.stat();
      // If the size is wrong, the digest need not be computed.
      return size === expected.bytes ? digestOf(file, thoroughly) : { bytes: size, sha256: '' };
    });
    requireEqual(found, expected, `${this.#path}/${name}`);
    return `/proc/self/fd/${file.fd}`;
  }
}

/** Returns the files in the manifest that native code opens later. */
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

/** Reads the manifest of a bundle. It throws as `openBundle`. */
export async function readManifest(path: string): Promise<Manifest> {
  const bundle = await openBundle(path);
  await bundle.close();
  return bundle.manifest;
}

/**
 * Reads the manifest of a bundle that must have a vision tower.
 *
 * @throws LLM2CLIPError as `openBundle`, and ERR_ENGINE_INCOMPATIBLE if there is no vision tower
 */
export async function readVisionManifest(path: string): Promise<VisionManifest> {
  const manifest = await readManifest(path);
  requireVision(manifest);
  return manifest;
}
