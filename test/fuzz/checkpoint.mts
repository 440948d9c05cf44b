/**
 * Mutation fuzzing of the checkpoint parsers and layouts.
 *
 *   node --import tsx test/fuzz/checkpoint.mts --seconds 600 [--seed 1]
 *
 * Prints one line of JSON; an input that breaks something is kept in the temporary folder and
 * named, with exit status 1. Once mended, it goes into test/fuzz/seeds.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isJsonObject, type JsonObject, parseJson } from '#lib/checkpoint/json';
import { LLM2CLIPError } from '#lib/errors';
import { statedFile } from '../support/checkpoint-table.mts';
import { mutateBytes } from './byte-mutations.mts';
import { type Beside, type Outcome, outcomeOf } from './outcome.mts';
import { Random } from './random.mts';
import {
  archiveOf,
  mutateJson,
  mutatePickle,
  mutateSafetensors,
  mutateZip,
} from './structure-mutations.mts';

/** Processor time and memory that one input may cost; far above what any should. */
const MAX_MILLISECONDS = 2000;
const MAX_GROWTH_BYTES = 512 * 2 ** 20;
/** Sizes of data/0, data/1, … where a mutated pickle is put in an archive. */
const STORAGES = [16, 64, 64, 64, 64, 64, 64, 64];

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const random = new Random(Number(values.seed));
const scratch = mkdtempSync(join(tmpdir(), 'llm2clip-fuzz-'));
const seedFolder = join(import.meta.dirname, 'seeds');
const seeds = readdirSync(seedFolder).map((name) => ({
  name,
  bytes: readFileSync(join(seedFolder, name)) as Buffer,
}));
const of = (end: string) =>
  seeds.filter(({ name }) => name.endsWith(end)).map(({ bytes }) => bytes);
const SEEDS = {
  safetensors: of('.safetensors'),
  torch: of('.pt'),
  pickle: of('.pkl'),
  config: of('.json'),
  index: of('.index'),
  preprocessor: of('.processor'),
};

interface Input {
  bytes: Buffer;
  beside: Beside;
}

/** The seeds' towers are too narrow to tell their number of heads. */
const ONE_HEAD: Beside = [statedFile('config.json', { vision_config: { num_attention_heads: 1 } })];

/** Each is asked for a preprocessing by rules of its own. */
const STATED_NAMES = [
  'config.json',
  'open_clip_config.json',
  'preprocessor_config.json',
  'processor_config.json',
];

/** Each kind of input: a seed, one to four times changed. */
const KINDS: readonly (() => Input)[] = [
  () => ({
    bytes: repeated(random.pick(seeds).bytes, (bytes) => mutateBytes(bytes, random)),
    beside: ONE_HEAD,
  }),
  () => ({
    bytes: repeated(random.pick(SEEDS.safetensors), (b) => mutateSafetensors(b, random)),
    beside: ONE_HEAD,
  }),
  () => ({
    bytes: repeated(random.pick(SEEDS.torch), (bytes) => mutateZip(bytes, random)),
    beside: ONE_HEAD,
  }),
  () => {
    const pickle = repeated(random.pick(SEEDS.pickle), (bytes) => mutatePickle(bytes, random));
    return { bytes: archiveOf(pickle, STORAGES, join(scratch, 'archive.pt')), beside: ONE_HEAD };
  },
  () => {
    const index = repeated(random.pick(SEEDS.index).toString(), (text) => mutateJson(text, random));
    return { bytes: Buffer.from(index), beside: ONE_HEAD };
  },
  () => {
    const seed = random.pick([...SEEDS.config, ...SEEDS.preprocessor]).toString();
    const json = parsed(repeated(seed, (text) => mutateJson(text, random)));
    const names = STATED_NAMES.filter(() => random.below(2) === 0);
    const beside = names.map((name) => statedFile(name, json));
    return { bytes: random.pick(SEEDS.safetensors), beside };
  },
];

function repeated<T>(value: T, change: (value: T) => T): T {
  let result = value;
  for (let i = random.below(4); i >= 0; i--) result = change(result);
  return result;
}

function parsed(json: string): JsonObject {
  try {
    const value = parseJson(Buffer.from(json), 'seed', { maxKeys: 1000, maxValues: 10_000 });
    return isJsonObject(value) ? value : {};
  } catch (error) {
    if (error instanceof LLM2CLIPError) return {};
    throw error;
  }
}

/** Runs one input and measures what it cost. */
function run({ bytes, beside }: Input): Outcome {
  const cpu = process.cpuUsage();
  const rss = process.memoryUsage.rss();
  const outcome = outcomeOf(bytes, beside);
  const milliseconds = process.cpuUsage(cpu).user / 1000;
  if (milliseconds > MAX_MILLISECONDS) throw new RangeError(`took ${milliseconds} ms`);
  const growth = process.memoryUsage.rss() - rss;
  if (growth > MAX_GROWTH_BYTES) throw new RangeError(`took ${growth} bytes of memory`);
  return outcome;
}

const counts: Record<Outcome, number> = { parsed: 0, resolved: 0, refused: 0 };
const start = Date.now();
while (Date.now() - start < Number(values.seconds) * 1000) {
  const input = random.pick(KINDS)();
  try {
    counts[run(input)]++;
  } catch (error) {
    const kept = join(tmpdir(), `llm2clip-fuzz-${values.seed}-${start}`);
    writeFileSync(kept, input.bytes);
    writeFileSync(`${kept}.json`, JSON.stringify(input.beside));
    console.error(`seed ${values.seed}: ${kept} (${input.bytes.length} bytes)`, error);
    process.exitCode = 1;
    break;
  }
}
rmSync(scratch, { recursive: true });
const rssMegabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
console.log(JSON.stringify({ seed: Number(values.seed), ...counts, rssMegabytes }));
