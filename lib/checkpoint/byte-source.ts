import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { LLM2CLIPError } from '../errors';

/**
 * Random access to the bytes of a file. Parsers read small pieces through it and never map the
 * file.
 */
export interface ByteSource {
  /** Absolute path, for messages and for {@link TensorEntry.file}. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Buffer;
}

/**
 * Opens `path` for `use` and closes it afterwards. It is synchronous, because it runs in the
 * checkpoint worker.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND for a missing file, ERR_IO for one that cannot be read
 */
export function withFile<T>(path: string, use: (source: ByteSource) => T): T {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const fd = attempt(path, () => openSync(path, flags));
  try {
    const stat = attempt(path, () => fstatSync(fd));
    if (!stat.isFile()) throw new LLM2CLIPError('ERR_IO', `${path} is not a regular file`);
    return use({
      path,
      size: stat.size,
      read: (offset, length) => attempt(path, () => readExactly(fd, path, offset, length)),
    });
  } finally {
    closeSync(fd);
  }
}

function readExactly(fd: number, path: string, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const count = readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) {
      const end = offset + done;
      throw new LLM2CLIPError(
        'ERR_CHECKPOINT_FORMAT',
        `${path} ends at byte ${end}, it is truncated`,
      );
    }
    done += count;
  }
  return bytes;
}

/** Runs a file system call and converts its error to an LLM2CLIPError. */
export function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof LLM2CLIPError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new LLM2CLIPError('ERR_NOT_FOUND', `${path} does not exist`, { cause });
    }
    throw new LLM2CLIPError('ERR_IO', `cannot read ${path}: ${message}`, { cause });
  }
}
