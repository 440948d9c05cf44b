// A whole LLM2CLIP, tiny and with made-up weights, in the published layouts: a checkpoint of EVA02 with
// its text adapter, and the folder of a language model.
import { join } from 'node:path';
import { writeSyntheticCheckpoint } from './checkpoint.mts';
import type { WeightDtype } from './random.mts';
import { writeSyntheticLlama } from './text-towers.mts';
import { writeTinyTokenizer } from './tokenizer.mts';

export const WHOLE_PRESET = 'whole-tiny';

/** Words that have tokens of their own. */
const WORDS = ['a', 'photo', 'of', 'the', 'cat', 'dog', 'red', 'car'];

export async function writeSyntheticWhole(
  folder: string,
  { dtype, seed }: { dtype: WeightDtype; seed: number },
): Promise<{ checkpoint: string; llm: string }> {
  const llm = join(folder, 'llm');
  await writeSyntheticLlama(llm, 'llama-tiny', { dtype, seed });
  writeTinyTokenizer(llm, WORDS);
  const file = { layout: 'official', format: 'torch', textKeys: true } as const;
  const checkpoint = await writeSyntheticCheckpoint(folder, {
    preset: 'eva02-tiny',
    ...file,
    dtype,
    seed,
  });
  return { checkpoint, llm };
}
