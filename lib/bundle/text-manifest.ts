import type { AdapterConfig, LlamaConfig } from '../checkpoint/text-config';
import type { Part } from '../parts';
import { PRECISIONS, type Precision } from '../precision';
import { type FieldReader, invalidField } from './fields';

/** Beyond these a manifest is damaged, not large: memory is laid out by them. */
const LARGEST_WIDTH = 65_536;
const MOST_TOKENS = 131_072;

/** The checkpoint's own tokenizer, and what lies beside it. */
export const TOKENIZER_FILE = 'llm/tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'llm/tokenizer_config.json';

/** What a manifest says of one part of the text side. */
export interface TextPart<Config> {
  model: Config;
  /** Of the stored weights. */
  precision: Precision;
  /** Numbers learned. */
  parameters: number;
  /** Layout of the checkpoint it was made from. */
  layout: string;
}

/** What a manifest says of the text side, part by part. */
export interface TextManifest {
  adapter?: TextPart<AdapterConfig>;
  /** `maxTokens`: of one text, its prompt included. */
  llm?: TextPart<LlamaConfig & { maxTokens: number }>;
}

function requirePart(part: FieldReader): FieldReader {
  part.oneOf('precision', PRECISIONS);
  part.integer('parameters');
  part.string('layout');
  return part.child('model');
}

/** Its widths. */
function requireAdapter(text: FieldReader): { width: number; embeddingDim: number } {
  const model = requirePart(text.child('adapter'));
  model.integer('layers');
  model.integer('hidden', 1);
  model.positive('layerNormEps');
  return {
    width: model.integer('width', 1, LARGEST_WIDTH),
    embeddingDim: model.integer('embeddingDim', 1, LARGEST_WIDTH),
  };
}

/** The width of its features. */
function requireLlama(text: FieldReader): number {
  const model = requirePart(text.child('llm'));
  model.integer('maxTokens', 1, MOST_TOKENS);
  for (const key of ['vocabularySize', 'layers', 'heads', 'kvHeads', 'headWidth', 'hidden']) {
    model.integer(key, 1);
  }
  model.positive('ropeTheta');
  model.positive('rmsNormEps');
  return model.integer('width', 1, LARGEST_WIDTH);
}

/** Checks what a manifest says of its text side, and that its parts fit each other. */
export function requireText(manifest: FieldReader, parts: readonly Part[]): void {
  if (manifest.has('text')) {
    // Whoever reads it asks whether it is there.
    const absent = (['adapter', 'llm'] as const).filter((part) => !parts.includes(part));
    for (const part of absent) manifest.child('text').requireAbsent(part);
  }
  const llm = parts.includes('llm') ? requireLlama(manifest.child('text')) : undefined;
  if (!parts.includes('adapter')) return;
  const { width, embeddingDim } = requireAdapter(manifest.child('text'));
  if (llm !== undefined && llm !== width) {
    throw invalidField(`${llm}, the language model's width,`, 'text.adapter.model.width', width);
  }
  if (!parts.includes('vision')) return;
  const images = manifest.child('model').integer('embeddingDim');
  if (images === embeddingDim) return;
  const path = 'text.adapter.model.embeddingDim';
  throw invalidField(`${images}, as of images,`, path, embeddingDim);
}
