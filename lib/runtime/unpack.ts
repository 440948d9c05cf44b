import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, open, type ZipFile } from 'yauzl';

export interface UnpackedFile {
  /** Path relative to the target folder, with forward slashes. */
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * Unpacks the members of a wheel that `wanted` accepts into `folder`. yauzl refuses names that lead
 * outside the folder.
 */
export async function unpackWheel(
  wheel: string,
  folder: string,
  wanted: (name: string) => boolean,
  onBytes: (bytes: number) => void,
): Promise<UnpackedFile[]> {
  const zip = await openZip(wheel);
  const files: UnpackedFile[] = [];
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      zip.close();
      reject(error);
    };
    zip.on('error', fail);
    zip.on('end', () => resolve(files));
    zip.on('entry', (entry: Entry) => {
      if (entry.fileName.endsWith('/') || !wanted(entry.fileName)) return zip.readEntry();
      writeEntry(zip, entry, folder, onBytes)
        .then((file) => {
          files.push(file);
          zip.readEntry();
        })
        .catch(fail);
    });
    zip.readEntry();
  });
}

async function writeEntry(
  zip: ZipFile,
  entry: Entry,
  folder: string,
  onBytes: (bytes: number) => void,
): Promise<UnpackedFile> {
  const path = join(folder, entry.fileName);
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  const observe = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  await pipeline(await openEntry(zip, entry), observe, createWriteStream(path, { flags: 'wx' }));
  return { path: entry.fileName, bytes: entry.uncompressedSize, sha256: hash.digest('hex') };
}

function openZip(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(path, { lazyEntries: true }, (error, zip) => (error ? reject(error) : resolve(zip)));
  });
}

function openEntry(zip: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}
