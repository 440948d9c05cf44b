import { loadNative } from '../native';

/** libuv's pool, which files and other modules use as well: one thread is left to them. */
const POOL = Math.trunc(Number(process.env.UV_THREADPOOL_SIZE)) || 4;
/** As libuv has it, at most 1024. */
export const LIMIT = Math.min(Math.max(1, POOL - 1), 1023);

/**
 * Runs `decode` when fewer images are being decoded in the whole process than libuv has threads, in
 * the order of the calls, so that a thousand images in decoding do not delay other file access.
 *
 * @throws `signal.reason` if the signal is aborted before decoding starts.
 */
export async function limited<T>(decode: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const native = loadNative();
  const turn = native.takeDecodeTurn(LIMIT);
  if (turn !== undefined) await turn;
  try {
    signal?.throwIfAborted();
    return await decode();
  } finally {
    native.giveDecodeTurn();
  }
}
