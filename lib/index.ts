import './async/disposable';

export type { Manifest } from './bundle/manifest';
export type { LayerRecord, Quantisation } from './bundle/quantisation';
export type { Family } from './checkpoint/layouts/families';
export type { VisionConfig } from './checkpoint/vision-config';
export type { Classification, Classifier } from './classify';
export type { ClassifierOptions, ClassifyOptions, RankOptions } from './classify/options';
export { convert } from './convert';
export { type ImportOptions, importEngine } from './convert/import';
export type { ConvertOptions, ConvertProgress } from './convert/options';
export { ERROR_CODES, type ErrorCode, LLM2CLIPError } from './errors';
export type { Matrix } from './eval/matrix';
export { type Recall, type RecallOptions, recall } from './eval/recall';
export { classEmbeddings, classProbabilities, fillTemplates } from './eval/zero-shot';
export { type HeatMapOptions, heatMap } from './heat-map';
export type { ImageInput, PreprocessedInput, RawPixels } from './image';
export type { Preprocessing } from './image/preprocessing';
export { LLM2CLIP } from './model';
export type { Embeddings } from './model/embeddings';
export type { ModelInfo, PartInfo } from './model/model-info';
export type { Patches } from './model/patches';
export type { EngineStats, ModelStats, Summary } from './model/stats';
export type { Streamed } from './model/stream';
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
export type { Precision } from './precision';
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
export type { PadTo, TextBatch } from './text/batch';
export type { TextCacheOptions } from './text/cache-options';
export type { TokenizedText } from './text/tokenize';
export { type TextBatchOptions, TextTokenizer, type TokenizeOptions } from './text/tokenizer';
export type { VectorCacheStats } from './text/vector-cache';
