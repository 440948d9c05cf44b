/** The interpretation of a checkpoint's tensors and of the configuration beside them. */
import type { JsonObject } from '#lib/checkpoint/json';
import type { NamedEntry } from '#lib/checkpoint/layouts/bind';
import { resolveModel } from '#lib/checkpoint/layouts/index';
import { resolveLora } from '#lib/checkpoint/lora';
import { resolveAdapter } from '#lib/checkpoint/resolve-adapter';
import { resolveLlama } from '#lib/checkpoint/resolve-llama';
import type { CheckpointTable } from '#lib/checkpoint/table';
import { statedFile, tableOf } from '../../support/checkpoint-table.mts';
import { readChecked, requireInside } from '../checkpoint-file.mts';
import { parsedConfig } from '../config.mts';
import { mutateJson } from '../json-mutations.mts';
import { CHECKPOINT_REFUSAL, refusedOr } from '../refusal.mts';
import { seedsOf } from '../seeds.mts';
import { mutateSafetensors } from '../structure-mutations.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = seedsOf('.safetensors');
const CONFIGS = seedsOf('.json').map(String);
/** The number of heads, because the seeds' towers are too narrow to infer it. */
const ONE_HEAD = JSON.stringify({ vision_config: { num_attention_heads: 1 } });
/** The weights that the LoRA seed updates. */
const LORA_WEIGHTS = tableOf({ 'layers.0.self_attn.q_proj.weight': [2, 2] }).tensors.map(
  (entry) => ({ name: entry.name, entry }),
);

/** All resolvers. Each finds its weights in a checkpoint or refuses it. */
const RESOLVERS: readonly ((table: CheckpointTable) => NamedEntry[])[] = [
  (table) => resolveModel(table).weights,
  (table) => resolveAdapter(table)?.weights ?? [],
  (table) => resolveLlama(table).weights,
  (table) =>
    resolveLora(table, LORA_WEIGHTS).flatMap(({ name, a, b }) => [
      { name, entry: a },
      { name, entry: b },
    ]),
];

function resolve(bytes: Buffer, config: JsonObject): 'resolved' | 'parsed' {
  const table = {
    path: '/fuzz/checkpoint',
    stated: [statedFile('config.json', config)],
    ...readChecked(bytes),
  };
  const found = RESOLVERS.map((resolver) => {
    const weights = refusedOr(CHECKPOINT_REFUSAL, () => resolver(table));
    return weights === 'refused' ? [] : weights;
  });
  for (const weights of found)
    requireInside(
      weights.map(({ entry }) => entry),
      bytes.length,
    );
  return found.some((weights) => weights.length > 0) ? 'resolved' : 'parsed';
}

export const target: Target = {
  next(random) {
    const bytes = random.pick(SEEDS);
    if (random.below(2) === 0) {
      const beside = changed(random.pick(CONFIGS), random, (text) => mutateJson(text, random));
      return { bytes, beside };
    }
    return { bytes: changed(bytes, random, (b) => mutateSafetensors(b, random)), beside: ONE_HEAD };
  },
  run({ bytes, beside = '{}' }) {
    const config = parsedConfig(beside);
    if (config === undefined) return 'refused';
    return refusedOr(CHECKPOINT_REFUSAL, () => resolve(bytes, config));
  },
};
