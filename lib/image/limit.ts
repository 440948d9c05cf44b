import { loadNative } from '../native';

/** Size of libuv's thread pool. One thread is left free for file access and other modules. */
const POOL = Math.trunc(Number(process.env.UV_THREADPOOL_SIZE)) || 4;
/** libuv starts 1024 threads at most. */
export const LIMIT = Math.min(Math.max(1, POOL - 1), 1023);

/**
 * Runs `decode` in the order of the calls while leaving one libuv thread free, so that a thousand
 * images in decoding do not delay other file access. All threads of the process share this limit.
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
