import { LLM2CLIPError } from '../errors';
import { PART_NAMES, PARTS, type Part } from '../parts';
import { type ResolvedModel, resolveModel } from './layouts';
import { entriesByName } from './layouts/entries';
import { isIgnored } from './layouts/ignored';
import { LLAMA } from './layouts/llama';
import { closestLayout, LEAST_SHARE } from './layouts/recognise';
import { type ResolvedAdapter, resolveAdapter } from './resolve-adapter';
import { type ResolvedLlama, resolveLlama } from './resolve-llama';
import type { CheckpointTable } from './table';

/** The requested parts that a checkpoint contains. */
export interface Contents {
  vision?: ResolvedModel;
  adapter?: ResolvedAdapter;
  llm?: ResolvedLlama;
}

/**
 * Finds the towers of a checkpoint: the vision tower, the text adapter or both, or a language
 * model.
 *
 * @param wanted parts to look for; others are not even checked. Default: all parts that are there.
 * @throws LLM2CLIPError as resolveModel, resolveAdapter and resolveLlama; ERR_CHECKPOINT_MISMATCH
 *   for a wanted part that is missing
 */
export function contentsOf(table: CheckpointTable, wanted?: readonly Part[]): Contents {
  const all = [...entriesByName(table).keys()];
  const looksFor = (part: Part) => wanted === undefined || wanted.includes(part);
  const contents: Contents = {};
  if (isLlama(all)) {
    if (looksFor('llm')) contents.llm = resolveLlama(table);
  } else {
    const adapter = looksFor('adapter') ? adapterOf(table) : undefined;
    if (adapter !== undefined) contents.adapter = adapter;
    const textAlone = all.every(isIgnored) && (adapter !== undefined || wanted !== undefined);
    if (looksFor('vision') && !textAlone) contents.vision = resolveModel(table);
  }
  const missing = PARTS.find((part) => wanted?.includes(part) && contents[part] === undefined);
  if (missing === undefined) return contents;
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `expected ${PART_NAMES[missing]} in ${table.path}, found none`,
  );
}

function isLlama(names: readonly string[]): boolean {
  return closestLayout([LLAMA], names).share >= LEAST_SHARE;
}

/**
 * Finds the text adapter. If it cannot be used, the error says how to convert only the vision
 * tower.
 */
function adapterOf(table: CheckpointTable): ResolvedAdapter | undefined {
  try {
    return resolveAdapter(table);
  } catch (error) {
    if (!(error instanceof LLM2CLIPError)) throw error;
    const message = `${error.message}; for the vision tower alone convert with --parts vision`;
    throw new LLM2CLIPError(error.code, message, { cause: error });
  }
}
