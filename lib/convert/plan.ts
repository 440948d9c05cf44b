// Decides what a conversion builds and from which files. All checks are done here, before anything
// is built.
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { invalidRange } from '../arguments';
import { type Contents, contentsOf } from '../checkpoint/contents';
import { readCheckpoint } from '../checkpoint/read';
import type { CheckpointTable } from '../checkpoint/table';
import { LLM2CLIPError } from '../errors';
import { readLlm } from './llm';
import type { ResolvedConvertOptions } from './options';

export interface Plan {
  table: CheckpointTable;
  contents: Contents;
  /** Folder of the language model and its tokenizer, if there is one. */
  llmFolder: string | undefined;
}

/** Returns the folder of the weights, where the tokenizer is, too. */
async function folderOf(path: string): Promise<string> {
  return (await stat(path)).isDirectory() ? path : dirname(path);
}

/**
 * Finds out what the checkpoint and the language model's folder hold. It reads no weights yet.
 *
 * @throws RangeError (ERR_INVALID_ARG) for int8 without a vision tower
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_*
 */
export async function planOf(checkpoint: string, options: ResolvedConvertOptions): Promise<Plan> {
  const { config, stateDict, llm, parts, lora } = options;
  const table = await readCheckpoint(checkpoint, {
    ...(config === undefined ? {} : { config }),
    ...(stateDict === undefined ? {} : { stateDict }),
  });
  const elsewhere = llm === undefined ? parts : parts?.filter((part) => part !== 'llm');
  const contents = contentsOf(table, elsewhere);
  if (llm !== undefined) {
    if (contents.llm !== undefined) {
      const message = `${checkpoint} is a language model itself; expected a checkpoint beside --llm`;
      throw new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', message);
    }
    contents.llm = await readLlm(llm);
  }
  if (lora !== undefined && contents.llm === undefined) {
    const message = `${checkpoint} has no language model for --lora; name it with --llm`;
    throw new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', message);
  }
  requireFitting(contents);
  if (options.precision === 'int8' && contents.vision === undefined) {
    const expected = 'fp32, bf16 or fp16 without a vision tower, which alone is kept in int8,';
    throw invalidRange(expected, 'options.precision', options.precision);
  }
  const llmFolder = contents.llm && (llm ?? (await folderOf(checkpoint)));
  return { table, contents, llmFolder };
}

/** Checks that the output of each part has the size that the next part takes. */
function requireFitting({ vision, adapter, llm }: Contents): void {
  const differ = (expected: string, found: string) =>
    new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', `expected ${expected}, found ${found}`);
  if (adapter === undefined) return;
  const { width, embeddingDim } = adapter.config;
  if (llm !== undefined && llm.config.width !== width) {
    throw differ(
      `a language model of width ${width} for this text adapter`,
      `one of ${llm.config.width}`,
    );
  }
  if (vision !== undefined && vision.config.embeddingDim !== embeddingDim) {
    throw differ(
      `embeddings of ${vision.config.embeddingDim} numbers from the text adapter, as of images`,
      String(embeddingDim),
    );
  }
}
