import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { invalidRange } from '../arguments';
import { parseSlo } from '../bench/goodput';
import { DEFAULT_IMAGES } from '../bench/images';
import { describeMachine } from '../bench/machine';
import {
  INPUT_KINDS,
  type InputKind,
  type Report,
  SCENARIOS,
  SCHEMA_VERSION,
  type Scenario,
} from '../bench/record';
import { runSuite, type SuiteOptions } from '../bench/suite';
import { positiveInteger } from './arguments';
import { compareCommand } from './bench-compare';
import { type OutputPaths, type Outputs, openOutputs } from './bench-outputs';
import { interruptSignal } from './interrupt';
import { clearProgress, showProgress } from './progress';
import { shownName } from './terminal-text';

interface Options extends OutputPaths {
  scenario: readonly Scenario[];
  images?: string[];
  input: InputKind;
  device: string;
  threads?: number;
  maxBatch?: number;
  duration: number;
  minQueries: number;
  compliant?: true;
  concurrency: readonly number[];
  rate?: number;
  rates?: readonly number[];
  slo?: string;
  reference?: string;
}

const DEFAULT_SCENARIOS: readonly Scenario[] = ['single-stream', 'offline', 'server'];

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('expected a number above 0');
}

const list =
  <T>(one: (text: string) => T) =>
  (text: string): T[] =>
    text.split(',').map((part) => one(part.trim()));

function scenario(text: string): Scenario {
  const known = SCENARIOS.find((name) => name === text);
  if (known !== undefined) return known;
  throw new InvalidArgumentError(`expected one or more of ${SCENARIOS.join(', ')}`);
}

function imagesOf({ images }: Options): string[] {
  if (images !== undefined) return images;
  if (existsSync(DEFAULT_IMAGES)) return [DEFAULT_IMAGES];
  throw invalidRange('a folder of images', '--images', images);
}

function scenariosOf({ scenario: wanted, slo }: Options): readonly Scenario[] {
  return slo === undefined || wanted.includes('slo') ? wanted : [...wanted, 'slo'];
}

function suiteOptions(bundle: string, options: Options, signal: AbortSignal): SuiteOptions {
  const { device, threads, maxBatch, duration, minQueries, compliant, slo } = options;
  return {
    bundle,
    load: {
      parts: ['vision'],
      device,
      ...(threads === undefined ? {} : { threads }),
      ...(maxBatch === undefined ? {} : { batching: { maxBatch } }),
    },
    scenarios: scenariosOf(options),
    images: imagesOf(options),
    input: options.input,
    rate: options.rate,
    rates: options.rates,
    concurrency: options.concurrency,
    slo: slo === undefined ? undefined : parseSlo(slo),
    lengths: { seconds: duration, minQueries, compliant: compliant ?? false },
    reference: options.reference,
    signal,
  };
}

async function emptyReport(): Promise<Report> {
  return {
    schemaVersion: SCHEMA_VERSION,
    command: `llm2clip ${process.argv.slice(2).join(' ')}`,
    date: new Date().toISOString(),
    interrupted: false,
    machine: await describeMachine(),
    runs: [],
    comparisons: [],
  };
}

/** Runs the suite. Finished runs are written even if an error or Ctrl-C ends it. */
async function measure(report: Report, suite: SuiteOptions, outputs: Outputs): Promise<void> {
  const note = (text: string) => {
    clearProgress();
    process.stderr.write(`${shownName(text)}\n`);
  };
  try {
    await runSuite(suite, {
      onStage: showProgress,
      onSkipped: (path, reason) => note(`left out ${path}: ${reason}`),
      onRun: async (run) => {
        report.runs.push(run);
        await outputs.save(report);
      },
    });
  } catch (error) {
    report.interrupted = suite.signal.aborted;
    if (report.runs.length > 0) await outputs.finish(report);
    throw error;
  } finally {
    clearProgress();
  }
}

async function run(bundle: string, options: Options): Promise<void> {
  const suite = suiteOptions(bundle, options, interruptSignal());
  const outputs = await openOutputs(options);
  const report = await emptyReport();
  await measure(report, suite, outputs);
  await outputs.finish(report);
}

/** Makes the command `llm2clip bench`. */
export function benchCommand(): Command {
  return new Command('bench')
    .description('measure throughput and latency of a bundle on this machine')
    .argument('<bundle>', 'bundle made by convert or import')
    .option('--scenario <list>', SCENARIOS.join(', '), list(scenario), DEFAULT_SCENARIOS)
    .option(
      '--images <path...>',
      "image files or folders (default in a clone: the tests' photographs)",
    )
    .addOption(
      new Option('--input <kind>', 'form in which a request passes its images')
        .choices(INPUT_KINDS)
        .default('encoded'),
    )
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--threads <n>', 'number of threads that compute a batch', positiveInteger)
    .option('--max-batch <n>', 'largest batch', positiveInteger)
    .option('--duration <seconds>', 'minimum duration of a run', positive, 10)
    .option('--min-queries <n>', 'minimum number of queries in a run', positiveInteger, 24)
    .option('--compliant', "use MLPerf's minimum durations and query counts")
    .option(
      '--concurrency <list>',
      "numbers of concurrent callers for scenario 'concurrency'",
      list(positiveInteger),
      [1, 2, 4, 8, 16],
    )
    .option(
      '--rate <n>',
      "queries per second for scenario 'server' (default: 0.8 × the offline rate)",
      positive,
    )
    .option(
      '--rates <list>',
      "queries per second for scenario 'rate' (default: fractions of the offline rate)",
      list(positive),
    )
    .option('--slo <bound>', 'find the highest rate that meets this bound, e.g. p99=50ms')
    .option('--reference <bundle>', 'the same model in fp32, to compare embeddings with')
    .option('--out <file.json>', 'write the record to this file, even when interrupted')
    .option('--markdown <file>', 'write a Markdown report to this file')
    .option('--html <file>', 'write a page with charts to this file')
    .option('--json', 'print the record as JSON')
    .action(run)
    .enablePositionalOptions()
    .addCommand(compareCommand());
}
