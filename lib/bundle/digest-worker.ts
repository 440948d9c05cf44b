import { answerRequest } from '../async/ask-worker';
import { LLM2CLIPError } from '../errors';
import { type DigestRequest, digestOf } from './digest';

answerRequest(
  ({ descriptor }: DigestRequest) => {
    try {
      return digestOf(descriptor);
    } catch (error) {
      throw new LLM2CLIPError('ERR_IO', (error as Error).message);
    }
  },
  () => 'hashing a file',
);
