import './disposable';

export type { Manifest } from './bundle/manifest';
export type { LayerRecord, Quantisation } from './bundle/quantisation';
export type { Classification, Classifier } from './classify';
export type { ClassifierOptions, ClassifyOptions, RankOptions } from './classify-options';
export type { Family, VisionConfig } from './config';
export { convert } from './convert';
export type { ConvertOptions, ConvertProgress } from './convert-options';
export type { Embeddings } from './embeddings';
export { ERROR_CODES, type ErrorCode, LLM2CLIPError } from './errors';
export type { Matrix } from './eval/matrix';
export { type Recall, type RecallOptions, recall } from './eval/recall';
export { classEmbeddings, classProbabilities, fillTemplates } from './eval/zero-shot';
export { type HeatMapOptions, heatMap } from './heat-map';
export type { ImageInput, PreprocessedInput, RawPixels } from './image';
export { type ImportOptions, importEngine } from './import';
export { LLM2CLIP } from './model';
export type { ModelInfo, PartInfo } from './model-info';
export type {
  EncodeImageOptions,
  EncodeManyOptions,
  EncodeManyTextsOptions,
  EncodeOptions,
  EncodePatchesOptions,
  EncodeStreamOptions,
  EncodeTextOptions,
  ImageOptions,
  LoadOptions,
  Logger,
} from './options';
export type { Part } from './parts';
export type { Patches } from './patches';
export type { Precision } from './precision';
export type { Preprocessing } from './preprocessing';
export type { VectorId } from './search/row-ids';
export { type Similarities, similarity } from './search/similarity';
export type { Storage } from './search/storage';
export {
  type OpenOptions,
  type SearchOptions,
  VectorIndex,
  type VectorIndexOptions,
} from './search/vector-index';
export type { VectorSet } from './search/vector-set';
export type { SearchResult } from './search/vector-table';
export type { EngineStats, ModelStats, Summary } from './stats';
export type { Streamed } from './stream';
export type { PadTo, TextBatch } from './text/batch';
export type { TokenizedText } from './text/tokenize';
export { type TextBatchOptions, TextTokenizer, type TokenizeOptions } from './text/tokenizer';
export type { VectorCacheStats } from './text/vector-cache';
export type { TextCacheOptions } from './text-cache';
