import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, LLM2CLIPError } from '../errors';
import { loadCheckpoint } from './load';
import type { CheckpointTable } from './table';

/** What the worker is asked. */
export interface CheckpointRequest {
  path: string;
  config?: string;
}

/** What it answers, once. An error crosses as plain data: its class would be lost. */
export type CheckpointReply =
  | { table: CheckpointTable }
  | { code: ErrorCode; message: string; cause?: string };

function answer({ path, config }: CheckpointRequest): CheckpointReply {
  try {
    return { table: loadCheckpoint(path, config) };
  } catch (error) {
    if (error instanceof LLM2CLIPError) return { code: error.code, message: error.message };
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { code: 'ERR_INTERNAL', message: `reading ${path} failed unexpectedly`, cause };
  }
}

parentPort?.postMessage(answer(workerData));
