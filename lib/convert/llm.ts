// Reads the language model's folder, merges a LoRA into its weights, and copies its tokenizer.
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../bundle/text-manifest';
import type { FloatDtype } from '../checkpoint/floats';
import { readLora, resolveLora } from '../checkpoint/lora';
import { mergeLora } from '../checkpoint/merge';
import { readCheckpoint } from '../checkpoint/read';
import { type ResolvedLlama, resolveLlama } from '../checkpoint/resolve-llama';
import { LLM2CLIPError } from '../errors';
import { makeFolderOf } from '../files/staging';
import type { Precision } from '../precision';
import { TextTokenizer } from '../text/tokenizer';

/** The dtype that merged weights are written in, by the engine's precision. */
const MERGED_IN: Record<Precision, FloatDtype> = {
  fp32: 'f32',
  bf16: 'bf16',
  fp16: 'f16',
  int8: 'f32',
};

/** @param folder Folder with config.json and the weights, as published. */
export async function readLlm(folder: string): Promise<ResolvedLlama> {
  return resolveLlama(await readCheckpoint(folder));
}

/**
 * Calls `use` with the language model. If there is a LoRA, it is merged into the weights first. The
 * merged weights are in a file in `staging`, which is deleted after the call.
 */
export async function withLora<T>(
  llm: ResolvedLlama,
  lora: string | undefined,
  { staging, precision, signal }: { staging: string; precision: Precision; signal?: AbortSignal },
  use: (llm: ResolvedLlama) => Promise<T>,
): Promise<T> {
  if (lora === undefined) return use(llm);
  const output = join(staging, 'merged-weights');
  const updates = resolveLora(await readLora(lora), llm.weights);
  const options = { output, dtype: MERGED_IN[precision], ...(signal && { signal }) };
  try {
    return await use({ ...llm, weights: await mergeLora(llm.weights, updates, options) });
  } finally {
    await rm(output, { force: true });
  }
}

/**
 * Checks that the tokenizer opens and fits the language model, and copies it into a bundle that is
 * not complete yet.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSUPPORTED;
 *   ERR_CHECKPOINT_MISMATCH if token ids exceed the model's vocabulary
 */
export async function copyTokenizer(
  from: string,
  { config }: ResolvedLlama,
  bundle: string,
): Promise<void> {
  const tokenizer = await TextTokenizer.fromFolder(from);
  await tokenizer.dispose();
  const { vocabularySize } = tokenizer;
  if (vocabularySize > config.vocabularySize) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_MISMATCH',
      `expected a tokenizer of at most ${config.vocabularySize} tokens, as the language model's, ` +
        `found ${vocabularySize} in ${from}`,
    );
  }
  await makeFolderOf(bundle, TOKENIZER_FILE);
  await copyFile(join(from, 'tokenizer.json'), join(bundle, TOKENIZER_FILE));
  await copyFile(join(from, 'tokenizer_config.json'), join(bundle, TOKENIZER_CONFIG_FILE)).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    },
  );
}
