// The ES module of the package. It exports the same objects as require(), so that a process has
// only one LLM2CLIPError.
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
