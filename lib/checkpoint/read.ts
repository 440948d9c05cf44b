import { join } from 'node:path';
import { askWorker } from '../async/ask-worker';
import type { CheckpointTable } from './table';

export interface CheckpointOptions {
  /** A `config.json` to use in place of the one beside the file. */
  config?: string;
  /** Key of the weights in a torch file that holds those of several models, e.g. "model_ema". */
  stateDict?: string;
}

/** The request to the worker, which replies with a CheckpointTable. */
export interface CheckpointRequest {
  path: string;
  options: CheckpointOptions;
}

/**
 * Reads the table of a checkpoint's tensors, off the event loop. It does not read weights.
 *
 * @param path a safetensors or torch file, an index of shards, or a folder that holds one of them
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSAFE,
 *   ERR_CHECKPOINT_UNSUPPORTED; ERR_CHECKPOINT_MISMATCH for a missing key
 * @example
 * const table = await readCheckpoint('LLM2CLIP-EVA02-L-14-336.pt');
 * console.log(table.tensors.length);
 */
export function readCheckpoint(
  path: string,
  options: CheckpointOptions = {},
): Promise<CheckpointTable> {
  return askWorker<CheckpointRequest, CheckpointTable>(
    join(__dirname, 'worker.js'),
    { path, options },
    `reads ${path}`,
  );
}
