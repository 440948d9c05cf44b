/** Size of libuv's thread pool. One thread is left free for file access and other modules. */
const POOL = Number(process.env.UV_THREADPOOL_SIZE) || 4;
const LIMIT = Math.max(1, POOL - 1);

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs `decode` in the order of the calls while leaving one libuv thread free, so that a thousand
 * images in decoding do not delay other file access.
 *
 * @throws `signal.reason` if the signal is aborted before decoding starts.
 */
export async function limited<T>(decode: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  if (running >= LIMIT) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    signal?.throwIfAborted();
    return await decode();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
