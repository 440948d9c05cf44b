import { askWorker } from './ask-worker';
import type { CheckpointTable } from './table';
import type { CheckpointRequest } from './worker';

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
export function readCheckpoint(
  path: string,
  options: { config?: string } = {},
): Promise<CheckpointTable> {
  const request: CheckpointRequest = { path, ...options };
  return askWorker('worker.js', request, `reads ${path}`);
}
