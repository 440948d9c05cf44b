// The ES build: the same objects as require() gives, so that a process has one LLM2CLIPError.
export type * from './index.js';
export {
  convert,
  ERROR_CODES,
  importEngine,
  LLM2CLIP,
  LLM2CLIPError,
  similarity,
  VectorIndex,
} from './index.js';
