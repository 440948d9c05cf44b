import { answerRequest } from '../async/ask-worker';
import { type MergeRequest, mergeUpdates } from './lora-merge';

answerRequest(mergeUpdates, ({ output }: MergeRequest) => `merging a LoRA into ${output}`);
