import { open } from 'node:fs/promises';
import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { DTYPE_BYTES } from './dtype';
import { decodeFloats } from './floats';
import type { TensorEntry } from './table';

/**
 * Reads the factor by which cosines are multiplied before the softmax. The checkpoint stores its
 * logarithm. In the published models the factor is 100.
 *
 * @throws LLM2CLIPError ERR_IO, ERR_CHECKPOINT_UNSUPPORTED for a type that is not floating-point,
 *   ERR_CHECKPOINT_NONFINITE
 * @example
 * const adapter = resolveAdapter(await readCheckpoint('LLM2CLIP-EVA02-L-14-336.pt'));
 * const scale = adapter?.logitScale && (await readLogitScale(adapter.logitScale)); // 100
 */
export async function readLogitScale(entry: TensorEntry): Promise<number> {
  const [logarithm = Number.NaN] = decodeFloats(entry, await readNumber(entry));
  const scale = Math.exp(logarithm);
  if (Number.isFinite(scale) && scale > 0) return scale;
  const message = `tensor ${quote(entry.name)} in ${entry.file} holds ${logarithm}`;
  throw new LLM2CLIPError('ERR_CHECKPOINT_NONFINITE', message);
}

async function readNumber({ file, offset, dtype }: TensorEntry): Promise<Uint8Array> {
  try {
    await using handle = await open(file);
    const bytes = new Uint8Array(DTYPE_BYTES[dtype]);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
    if (bytesRead === bytes.length) return bytes;
  } catch (cause) {
    throw new LLM2CLIPError('ERR_IO', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
  throw new LLM2CLIPError('ERR_IO', `cannot read ${file}: it ends at byte ${offset}`);
}
