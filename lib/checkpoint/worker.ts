import { answerRequest } from './ask-worker';
import { loadCheckpoint } from './load';

/** What the worker is asked; it answers with a CheckpointTable. */
export interface CheckpointRequest {
  path: string;
  config?: string;
}

answerRequest(
  ({ path, config }: CheckpointRequest) => loadCheckpoint(path, config),
  ({ path }) => `reading ${path}`,
);
