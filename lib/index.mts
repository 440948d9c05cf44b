// The ES build: the same objects as require() gives, so that a process has one LLM2CLIPError.
export type * from './index.js';
export {
  classEmbeddings,
  classProbabilities,
  convert,
  ERROR_CODES,
  fillTemplates,
  importEngine,
  LLM2CLIP,
  LLM2CLIPError,
  recall,
  TextTokenizer,
} from './index.js';
