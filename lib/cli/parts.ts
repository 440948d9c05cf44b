import type { Manifest } from '../bundle/manifest';
import type { AdapterConfig, LlamaConfig } from '../checkpoint/text-config';

/** The description of the towers in a manifest or in the result of `inspect`. */
interface Described {
  model?: Manifest['model'];
  text?: { adapter?: { model: AdapterConfig }; llm?: { model: LlamaConfig } } | undefined;
}

/** Describes the towers of a bundle or a checkpoint in one line. */
export function describeParts({ model, text }: Described): string {
  const parts: string[] = [];
  if (model) parts.push(`${model.family} ${model.imageSize} px → ${model.embeddingDim}`);
  if (text?.llm) {
    const { layers, width } = text.llm.model;
    parts.push(`language model ${layers} layers × ${width}`);
  }
  if (text?.adapter) {
    const { width, embeddingDim } = text.adapter.model;
    parts.push(`text adapter ${width} → ${embeddingDim}`);
  }
  return parts.join(', ');
}
