import { isJsonObject, type JsonObject, parseJson } from '#lib/checkpoint/json';
import { CHECKPOINT_REFUSAL, refusedOr } from './refusal.mts';

/** Parses a JSON object like the files beside a checkpoint. Returns undefined for anything else. */
export function parsedConfig(json: string): JsonObject | undefined {
  const limits = { maxKeys: 10_000, maxValues: 100_000 };
  const read = () => parseJson(Buffer.from(json), '/fuzz/config.json', limits);
  const value = refusedOr(CHECKPOINT_REFUSAL, read);
  return isJsonObject(value) ? value : undefined;
}
