/** LoRA configurations with regular expressions, whose matching takes a bounded number of steps. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLora, resolveLora } from '#lib/checkpoint/lora';
import { readCheckpoint } from '#lib/checkpoint/read';
import { resolveLlama } from '#lib/checkpoint/resolve-llama';
import { statedFile } from '../../support/checkpoint-table.mts';
import { parsedConfig } from '../config.mts';
import { mutateJson } from '../json-mutations.mts';
import type { Random } from '../random.mts';
import { CHECKPOINT_REFUSAL, refusedOr } from '../refusal.mts';
import { changed, type Target } from '../target.mts';

const PIECES = [
  '(',
  ')',
  '[',
  ']',
  '*',
  '+',
  '?',
  '{2,9}',
  '|',
  '.',
  '\\\\d',
  '(?!',
  '(?=',
  '^',
  '$',
];

const fixtures = join(import.meta.dirname, '../../fixtures/lora');
const { weights } = resolveLlama(await readCheckpoint(join(fixtures, 'base')));
const names = readdirSync(fixtures).filter((name) => name !== 'base' && !name.endsWith('.json'));
const seeds = new Map(
  await Promise.all(
    names.map(async (name) => {
      const table = await readLora(join(fixtures, name));
      const config = readFileSync(join(fixtures, name, 'adapter_config.json'), 'utf8');
      return [name, { table, config }] as const;
    }),
  ),
);

/** Inserts a piece of a regular expression somewhere into a string. */
function mutatePattern(json: string, random: Random): string {
  const strings = [...json.matchAll(/"[^"\\]*"/g)];
  if (strings.length === 0) return json;
  const { 0: text, index } = random.pick(strings);
  const at = index + 1 + random.below(text.length - 1);
  return json.slice(0, at) + random.pick(PIECES).repeat(1 + random.below(3)) + json.slice(at);
}

export const target: Target = {
  next(random) {
    const beside = random.pick(names);
    const json = changed(seeds.get(beside)?.config ?? '', random, (text) =>
      random.pick([mutatePattern, mutateJson])(text, random),
    );
    return { bytes: Buffer.from(json), beside };
  },
  run({ bytes, beside = '' }) {
    const table = seeds.get(beside)?.table;
    const config = parsedConfig(bytes.toString());
    if (table === undefined || config === undefined) return 'refused';
    return refusedOr(CHECKPOINT_REFUSAL, () => {
      resolveLora({ ...table, stated: [statedFile('config.json', config)] }, weights);
      return 'resolved';
    });
  },
};
