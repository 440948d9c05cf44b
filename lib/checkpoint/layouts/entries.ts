import { LLM2CLIPError } from '../../errors';
import { quote } from '../../quote';
import type { CheckpointTable, TensorEntry } from '../table';
import { plainName } from './plain-name';

/**
 * The tensors of a checkpoint by name, without what wrappers put into it.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_MISMATCH where two come to the same
 */
export function entriesByName(table: CheckpointTable): Map<string, TensorEntry> {
  const entries = new Map<string, TensorEntry>();
  for (const entry of table.tensors) {
    const name = plainName(entry.name);
    if (entries.has(name)) {
      const message = `${table.path} holds two tensors that mean ${quote(name)}`;
      throw new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', message);
    }
    entries.set(name, entry);
  }
  return entries;
}
