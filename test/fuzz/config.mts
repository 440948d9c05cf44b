import { isJsonObject, type JsonObject, parseJson } from '#lib/checkpoint/json';
import { CHECKPOINT_REFUSAL, refusedOr } from './refusal.mts';

/** A JSON object, read as the files beside a checkpoint are; undefined for what is none. */
export function parsedConfig(json: string): JsonObject | undefined {
  const limits = { maxKeys: 10_000, maxValues: 100_000 };
  const read = () => parseJson(Buffer.from(json), '/fuzz/config.json', limits);
  const value = refusedOr(CHECKPOINT_REFUSAL, read);
  return isJsonObject(value) ? value : undefined;
}
