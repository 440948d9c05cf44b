import type { AdapterConfig, LlamaConfig } from '../checkpoint/text-config';
import type { Part } from '../parts';
import { PRECISIONS, type Precision } from '../precision';
import { type FieldReader, invalidField } from './fields';

/** Limits that only a damaged manifest exceeds; memory is allocated by these sizes. */
const LARGEST_WIDTH = 65_536;
const MOST_TOKENS = 131_072;

/** Paths in the bundle of the checkpoint's own tokenizer files. */
export const TOKENIZER_FILE = 'llm/tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'llm/tokenizer_config.json';

/** The manifest's description of one part of the text side. */
export interface TextPart<Config> {
  model: Config;
  /** Precision of the stored weights. */
  precision: Precision;
  /** Number of parameters. */
  parameters: number;
  /** Layout of the checkpoint that it was made from. */
  layout: string;
}

/** The manifest's description of the text side, by part. */
export interface TextManifest {
  adapter?: TextPart<AdapterConfig>;
  /** `maxTokens` is the largest number of tokens of one text, including its prompt. */
  llm?: TextPart<LlamaConfig & { maxTokens: number }>;
}

function requirePart(part: FieldReader): FieldReader {
  part.oneOf('precision', PRECISIONS);
  part.integer('parameters');
  part.string('layout');
  return part.child('model');
}

/** Checks the adapter and returns the widths of its input and output. */
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

/** Checks the language model and returns the width of its features. */
function requireLlama(text: FieldReader): number {
  const model = requirePart(text.child('llm'));
  model.integer('maxTokens', 1, MOST_TOKENS);
  for (const key of ['vocabularySize', 'layers', 'heads', 'kvHeads', 'hidden']) {
    model.integer(key, 1);
  }
  // Earlier bundles call it headWidth.
  model.integer(model.has('headWidth') ? 'headWidth' : 'headDim', 1);
  model.positive('ropeTheta');
  model.positive('rmsNormEps');
  return model.integer('width', 1, LARGEST_WIDTH);
}

/** Checks the text side of a manifest, and that the widths of its parts match. */
export function requireText(manifest: FieldReader, parts: readonly Part[]): void {
  if (manifest.has('text')) {
    // Readers treat the presence of these fields as the presence of the parts.
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
