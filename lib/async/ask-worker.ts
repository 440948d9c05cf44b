import { parentPort, Worker, workerData } from 'node:worker_threads';
import { LLM2CLIPError } from '../errors';
import { fromThreadError, type ThreadError, toThreadError } from './thread-error';
import { whenAborted } from './when-aborted';

/**
 * Heap limit, far above what the parsers' own limits allow; the last guard against a hostile file.
 */
const HEAP_MEGABYTES = 2048;

/** The single reply of a worker. */
type Reply<T> = { result: T } | ThreadError;

/**
 * Runs one request in a new thread, whose script calls {@link answerRequest}.
 *
 * @param script absolute path of the compiled script
 * @param what the thread does, for messages, e.g. "reads model.pt"
 * @throws LLM2CLIPError what the worker threw; ERR_INTERNAL for a bug; `signal.reason`
 */
export async function askWorker<Request, Result>(
  script: string,
  request: Request,
  what: string,
  signal?: AbortSignal,
): Promise<Result> {
  signal?.throwIfAborted();
  const worker = new Worker(script, {
    workerData: request,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });
  const stopWaiting = signal && whenAborted(signal, () => void worker.terminate());
  try {
    const reply = await answerOf<Result>(worker, what);
    if ('result' in reply) return reply.result;
    throw fromThreadError(reply);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    stopWaiting?.();
  }
}

function answerOf<Result>(worker: Worker, what: string): Promise<Reply<Result>> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      const message = `the thread that ${what} ended without an answer`;
      reject(new LLM2CLIPError('ERR_INTERNAL', message, { cause }));
    };
    worker.once('message', resolve).once('error', fail).once('exit', fail);
  });
}

/** The worker's side: replies with the result of `body` for the request. */
export function answerRequest<Request>(
  body: (request: Request) => unknown,
  what: (request: Request) => string,
): void {
  const request = workerData as Request;
  parentPort?.postMessage(replyOf(request, body, what));
}

function replyOf<Request>(
  request: Request,
  body: (request: Request) => unknown,
  what: (request: Request) => string,
): Reply<unknown> {
  try {
    return { result: body(request) };
  } catch (error) {
    return toThreadError(error, what(request));
  }
}
