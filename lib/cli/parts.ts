import type { Manifest } from '../bundle/manifest';
import type { AdapterConfig, LlamaConfig } from '../checkpoint/text-config';

/** What a manifest, or a look into a checkpoint, says of the towers. */
interface Described {
  model?: Manifest['model'];
  text?: { adapter?: { model: AdapterConfig }; llm?: { model: LlamaConfig } } | undefined;
}

/** The towers of a bundle or a checkpoint in a few words. */
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
