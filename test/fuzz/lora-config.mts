/**
 * Mutation fuzzing of LoRA configurations and their regular expressions.
 *
 *   node --import tsx test/fuzz/lora-config.mts --seconds 600 [--seed 1]
 *
 * Whatever a configuration says, updates are found or it is refused, in a bounded number of steps.
 * Prints one line of JSON; throws, with the configuration, for what breaks that.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isJsonObject, parseJson } from '#lib/checkpoint/json';
import { readLora, resolveLora } from '#lib/checkpoint/lora';
import { readCheckpoint } from '#lib/checkpoint/read';
import { resolveLlama } from '#lib/checkpoint/resolve-llama';
import { LLM2CLIPError } from '#lib/errors';
import { statedFile } from '../support/checkpoint-table.mts';
import { Random } from './random.mts';
import { mutateJson } from './structure-mutations.mts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const MAX_MILLISECONDS = 10_000;
const EXPECTED = /^ERR_CHECKPOINT_(FORMAT|MISMATCH|UNSUPPORTED)$/;
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

const random = new Random(Number(values.seed));
const fixtures = join(import.meta.dirname, '../fixtures/lora');
const { weights } = resolveLlama(await readCheckpoint(join(fixtures, 'base')));
const names = readdirSync(fixtures).filter((name) => name !== 'base' && !name.endsWith('.json'));
const seeds = await Promise.all(
  names.map(async (name) => ({
    table: await readLora(join(fixtures, name)),
    config: readFileSync(join(fixtures, name, 'adapter_config.json'), 'utf8'),
  })),
);

/** A piece of a regular expression somewhere within a string. */
function mutatePattern(json: string): string {
  const strings = [...json.matchAll(/"[^"\\]*"/g)];
  const { 0: text, index } = random.pick(strings);
  const at = index + 1 + random.below(text.length - 1);
  return json.slice(0, at) + random.pick(PIECES).repeat(1 + random.below(3)) + json.slice(at);
}

function run(): 'resolved' | 'refused' | 'broken' {
  const { table, config } = random.pick(seeds);
  let text = config;
  for (let n = random.below(5); n >= 0; n--) {
    text =
      random.below(2) === 0 && text.includes('"') ? mutatePattern(text) : mutateJson(text, random);
  }
  try {
    const json = parseJson(Buffer.from(text), 'seed', { maxKeys: 1000, maxValues: 10_000 });
    if (!isJsonObject(json)) return 'broken';
    resolveLora({ ...table, stated: [statedFile('config.json', json)] }, weights);
    return 'resolved';
  } catch (error) {
    if (error instanceof LLM2CLIPError && EXPECTED.test(error.code)) {
      return /not valid JSON/.test(error.message) ? 'broken' : 'refused';
    }
    console.error(`seed ${values.seed}`, text);
    throw error;
  }
}

const counts = { resolved: 0, refused: 0, broken: 0 };
const begin = Date.now();
while (Date.now() - begin < Number(values.seconds) * 1000) {
  const start = process.cpuUsage();
  counts[run()] += 1;
  const milliseconds = process.cpuUsage(start).user / 1000;
  if (milliseconds > MAX_MILLISECONDS) throw new RangeError(`one took ${milliseconds} ms`);
}
const rssMegabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
console.log(JSON.stringify({ seed: Number(values.seed), ...counts, rssMegabytes }));
