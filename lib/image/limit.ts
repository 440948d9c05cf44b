/** libuv's pool, which files and other modules use as well: one thread is left to them. */
const POOL = Number(process.env.UV_THREADPOOL_SIZE) || 4;
const LIMIT = Math.max(1, POOL - 1);

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs `decode` when fewer pictures are being decoded than libuv has threads, in the order of the
 * calls: a thousand pictures do not stand between somebody's file and its read.
 *
 * @throws `signal.reason` where its turn comes too late.
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
