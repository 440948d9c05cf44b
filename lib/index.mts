// The ES build: the same objects as require() gives, so that a process has one LLM2CLIPError.
export type * from './index.js';
export {
  classEmbeddings,
  classProbabilities,
  convert,
  ERROR_CODES,
  fillTemplates,
  heatMap,
  importEngine,
  LLM2CLIP,
  LLM2CLIPError,
  recall,
  similarity,
  TextTokenizer,
  VectorIndex,
} from './index.js';
