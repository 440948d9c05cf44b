import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LLM2CLIPError } from '../errors';
import type { CheckpointTable } from './table';
import type { CheckpointReply, CheckpointRequest } from './worker';

/** Far above what the parsers' limits allow a file to cost; the last guard against one that finds a way. */
const HEAP_MEGABYTES = 2048;

/**
 * Reads where each tensor of a checkpoint lies, off the event loop and without reading weights.
 *
 * @param path a safetensors or torch file, an index of shards, or a folder that holds one of them
 * @param options.config a `config.json` to take in place of the one beside the file
 * @throws {LLM2CLIPError} ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSAFE,
 *   ERR_CHECKPOINT_UNSUPPORTED
 * @example
 * const table = await readCheckpoint('LLM2CLIP-EVA02-L-14-336.pt');
 * console.log(table.tensors.length);
 */
export async function readCheckpoint(
  path: string,
  options: { config?: string } = {},
): Promise<CheckpointTable> {
  const reply = await ask({ path, ...options });
  if ('table' in reply) return reply.table;
  const { code, message, cause } = reply;
  throw new LLM2CLIPError(code, message, cause === undefined ? {} : { cause });
}

function ask(request: CheckpointRequest): Promise<CheckpointReply> {
  const worker = new Worker(join(__dirname, 'worker.js'), {
    workerData: request,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      const message = `the thread that reads ${request.path} ended without an answer`;
      reject(new LLM2CLIPError('ERR_INTERNAL', message, { cause }));
    };
    worker.once('message', resolve).once('error', fail).once('exit', fail);
  });
}
