import { LLM2CLIPError } from '../../errors';
import { quote } from '../../quote';
import type { CheckpointTable, TensorEntry } from '../table';
import { plainName } from './plain-name';

/**
 * Indexes the tensors of a checkpoint by name, without the parts that training wrappers add.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_MISMATCH if two tensors have the same name then
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
