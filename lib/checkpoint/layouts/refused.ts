import { LLM2CLIPError } from '../../errors';
import { isTextTensor } from './ignored';

/** Related models that are not supported, with the message for each. */
const REFUSED: readonly { is: (names: readonly string[]) => boolean; problem: string }[] = [
  {
    is: (names) => names.length === 0,
    problem: 'holds no tensors',
  },
  {
    is: (names) => names.every(isTextTensor),
    problem: 'holds the text side alone; give the checkpoint of the vision tower',
  },
  {
    is: (names) => names.some((name) => /(^|\.)lora_[AB]\./.test(name)),
    problem: 'is a LoRA adapter of a language model; give the checkpoint of the vision tower',
  },
  {
    is: (names) => names.some((name) => /(^|\.)embed_tokens\.weight$/.test(name)),
    problem: 'is a language model; give the checkpoint of the vision tower',
  },
  {
    is: hasRmsNorm,
    problem:
      'has norms without biases (RMSNorm), as BAAI EVA-CLIP-8B and 18B have; they are not supported',
  },
  {
    is: (names) => names.some((name) => name.startsWith('visual.transformer.resblocks.')),
    problem: "is in OpenAI's original layout; give the Hugging Face one (vision_model.*)",
  },
];

/**
 * Refuses models that are known not to be supported.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED
 */
export function refuseKnownFamilies(names: readonly string[], path: string): void {
  for (const { is, problem } of REFUSED) {
    if (is(names)) throw new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', `${path} ${problem}`);
  }
}

/** Whether no block's first norm has a bias. A damaged file would lack only some of the biases. */
function hasRmsNorm(names: readonly string[]): boolean {
  const norms = names.filter(
    (name) => /\.\d+\.(norm1|layer_norm1)\./.test(name) && !isTextTensor(name),
  );
  return norms.length > 0 && norms.every((name) => name.endsWith('.weight'));
}
