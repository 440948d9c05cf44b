// Runs MLPerf's LoadGen and `llm2clip bench` in turn on the same bundle with the same settings.
// Both should report the same figures. README.md describes the comparison and how to install
// LoadGen.
//
//   npm run bench:loadgen -- [--model digits|eva02-L-14-336|CHECKPOINT] [--precision P] [--rounds N]
//     [--seconds S] [--rate N] [--scenarios LIST] [--threads N] [--max-batch N] [--images PLACE]
//     [--python PATH] [--out FILE.json]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Precision } from 'llm2clip';
import { loadImages } from '#lib/bench/images';
import { describeMachine } from '#lib/bench/machine';
import type { Report, Run } from '#lib/bench/record';
import { writeText } from '#lib/bench/store';
import { SUBJECT_PROGRAM } from '#lib/bench/subject-process';
import { readVisionManifest } from '#lib/bundle/open';
import { cacheFolder } from '#lib/runtime/cache';
import { MAIN } from '../../test/support/cli.mts';
import { IMAGES } from '../../test/support/digits.mts';
import { prepareModels } from '../models.mts';
import {
  agreement,
  figuresOfLoadGen,
  figuresOfRun,
  outcomeOf,
  type Round,
  TOLERANCES,
} from './agreement.mts';
import { type ComparedScenario, LOADGEN_SCENARIOS, outputOf, runLoadGen } from './loadgen.mts';
import { type LoadGenRecord, loadGenTable } from './table.mts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'digits' },
    precision: { type: 'string', default: 'fp32' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string' },
    scenarios: { type: 'string', default: Object.keys(LOADGEN_SCENARIOS).join(',') },
    threads: { type: 'string', default: '2' },
    'max-batch': { type: 'string', default: '8' },
    images: { type: 'string' },
    python: { type: 'string', default: join(cacheFolder(), 'bench-loadgen/bin/python') },
    out: { type: 'string' },
  },
});
const seconds = Number(options.seconds);
const load = {
  parts: ['vision'] as const,
  threads: Number(options.threads),
  batching: { maxBatch: Number(options['max-batch']) },
};
const say = (text: string) => process.stderr.write(`${text}\n`);

/** The same minimum as in `llm2clip bench`. */
const MIN_QUERIES = 24;
const WARM_UP_SECONDS = Math.min(0.2 * seconds, 10);
const TELL_EVERY_MS = 100;
/**
 * The share of the offline throughput that is used if no rate is given. At this rate most batches
 * hold one image.
 */
const RATE_SHARE = 0.3;

function scenarios(): ComparedScenario[] {
  return options.scenarios.split(',').map((name) => {
    if (name in LOADGEN_SCENARIOS) return name as ComparedScenario;
    const known = Object.keys(LOADGEN_SCENARIOS).join(', ');
    throw new RangeError(`expected some of ${known} for --scenarios, found ${name}`);
  });
}

const fixture = (path: string) =>
  fileURLToPath(new URL(`../../test/fixtures/${path}`, import.meta.url));

function places(): string[] {
  if (options.images !== undefined) return [options.images];
  if (options.model === 'digits') return [join(IMAGES, 'gallery')];
  return ['images/china.jpg', 'images/flower.jpg'].map(fixture);
}

async function runOurs(
  bundle: string,
  scenario: ComparedScenario,
  duration: number,
  rate?: number,
): Promise<Run> {
  const args = [MAIN, 'bench', bundle, '--json', '--scenario', scenario, '--input', 'encoded'];
  args.push('--images', ...places(), '--device', 'cpu', '--threads', options.threads);
  args.push('--max-batch', options['max-batch'], '--duration', String(duration));
  if (rate !== undefined) args.push('--rate', String(rate));
  const report = JSON.parse(await outputOf(process.execPath, args)) as Report;
  return report.runs.find((run) => run.scenario === scenario) as Run;
}

/** Prepares the bundle, its images, and the expected throughput. */
async function prepare() {
  say('preparing the bundle');
  const precision = options.precision as Precision;
  const { bundles } = await prepareModels(options.model, [precision], '');
  const bundle = bundles[precision] as string;
  const { preprocessing } = await readVisionManifest(bundle);
  const { paths } = await loadImages(places(), 'path', preprocessing);
  say('measuring the offline throughput');
  const { picturesPerSecond: most } = await runOurs(bundle, 'offline', Math.min(seconds, 5));
  const rate = Number(options.rate ?? (RATE_SHARE * most).toPrecision(2));
  return { bundle, paths, most, rate };
}
type Prepared = Awaited<ReturnType<typeof prepare>>;

function runTheirs(
  { bundle, paths, most, rate }: Prepared,
  scenario: ComparedScenario,
  seed: number,
) {
  // In server and single-stream, a query ends when LoadGen receives its answer.
  const tellEveryMs = scenario === 'offline' ? TELL_EVERY_MS : 0;
  return runLoadGen(options.python, {
    subject: [process.execPath, SUBJECT_PROGRAM],
    open: { bundle, load: { ...load, device: 'cpu' }, paths, input: 'encoded', tellEveryMs },
    scenario: LOADGEN_SCENARIOS[scenario],
    perSecond: scenario === 'server' ? rate : most,
    ...{ seconds, seed, warmUpSeconds: WARM_UP_SECONDS, minQueries: MIN_QUERIES },
  });
}

function requireNoErrors(name: string, errors: Record<string, number>): void {
  const failed = Object.entries(errors).map(([code, count]) => `${count} × ${code}`);
  if (failed.length === 0) return;
  throw new Error(`expected ${name} to have every query answered, found ${failed.join(', ')}`);
}

async function compare(prepared: Prepared, scenario: ComparedScenario, index: number) {
  const theirs = () => runTheirs(prepared, scenario, index + 1);
  const rate = scenario === 'server' ? prepared.rate : undefined;
  const ours = () => runOurs(prepared.bundle, scenario, seconds, rate);
  const theyBegin = index % 2 === 0;
  const before = theyBegin ? await theirs() : undefined;
  const run = await ours();
  const found = before ?? (await theirs());
  requireNoErrors('LoadGen', found.errors);
  requireNoErrors('llm2clip bench', {
    ...run.errors,
    ...(run.refused && { ERR_QUEUE_FULL: run.refused }),
  });
  const loadgen = figuresOfLoadGen(scenario, found);
  const llm2clip = figuresOfRun(scenario, run);
  const first = theyBegin ? 'LoadGen' : 'llm2clip bench';
  const agree = agreement(loadgen, llm2clip);
  return { round: { scenario, first, loadgen, llm2clip, agree } as Round, version: found.version };
}

async function main(): Promise<void> {
  const wanted = scenarios();
  const prepared = await prepare();
  const record: LoadGenRecord = {
    command: `npm run bench:loadgen -- ${process.argv.slice(2).join(' ')}`.trim(),
    date: new Date().toISOString(),
    machine: await describeMachine(),
    loadgen: '',
    settings: {
      ...{ model: options.model, precision: options.precision, threads: load.threads },
      ...{ maxBatch: load.batching.maxBatch, input: 'encoded', pictures: prepared.paths.length },
      ...{ rounds: Number(options.rounds), seconds, rate: prepared.rate },
    },
    tolerances: TOLERANCES,
    rounds: [],
    outcomes: [],
  };
  for (let index = 0; index < record.settings.rounds; index++) {
    for (const scenario of wanted) {
      say(`round ${index + 1}, ${scenario}`);
      const { round, version } = await compare(prepared, scenario, index);
      record.loadgen = version;
      record.rounds.push(round);
    }
  }
  record.outcomes = wanted.map((scenario) => outcomeOf(scenario, record.rounds));
  if (options.out !== undefined) {
    await writeText(options.out, `${JSON.stringify(record, null, 2)}\n`);
  }
  console.log(loadGenTable(record));
}

await main();
