import { answerRequest } from '../async/ask-worker';
import { loadCheckpoint } from './load';
import type { CheckpointRequest } from './read';

answerRequest(
  ({ path, options }: CheckpointRequest) => loadCheckpoint(path, options),
  ({ path }) => `reading ${path}`,
);
