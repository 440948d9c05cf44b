import { type FileHandle, open } from 'node:fs/promises';

/** Some images of a file of little-endian float32, [n, 3, S, S]. */
export interface Selection {
  pixels: string;
  imageSize: number;
  offset: number;
  batch: number;
}

async function readAt(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.byteLength; ) {
    const { bytesRead } = await file.read(into, done, into.byteLength - done, position + done);
    if (bytesRead === 0) throw new Error('the file of pixels ended early');
    done += bytesRead;
  }
}

/**
 * Reads `batch` images from `offset` on: [batch, 3, S, S]. After the last image it continues with
 * the first.
 */
export async function readPixels(selection: Selection): Promise<Float32Array> {
  const { pixels, imageSize, offset, batch } = selection;
  const bytes = 4 * 3 * imageSize * imageSize;
  const result = new Float32Array((batch * bytes) / 4);
  await using file = await open(pixels);
  const { size } = await file.stat();
  if (size === 0 || size % bytes !== 0) {
    throw new Error(`expected whole images of ${bytes} bytes in ${pixels}, found ${size} bytes`);
  }
  for (let i = 0; i < batch; i++) {
    const index = (offset + i) % (size / bytes);
    await readAt(file, new Uint8Array(result.buffer, i * bytes, bytes), index * bytes);
  }
  return result;
}
