import { Command, InvalidArgumentError } from 'commander';
import { type Change, type Changes, compareReports } from '../bench/compare';
import type { Configuration } from '../bench/record';
import type { Interval } from '../bench/statistics';
import { readReport } from '../bench/store';
import { print, printTable } from './output';

const DEFAULT_TOLERANCE = 0.05;

function tolerance(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text);
  const percent = match === null ? Number.NaN : Number(match[1]);
  if (percent < 100) return percent / 100;
  throw new InvalidArgumentError('expected a percentage such as 5%');
}

function nameOf(scenario: string, { concurrency, rate, precision, input }: Configuration): string {
  const pace = rate === null ? `${concurrency} under way` : `${rate.toPrecision(3)}/s`;
  return `${scenario}, ${precision}, ${input}, ${pace}`;
}

function show({ value, low, high }: Interval): string {
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

function describeChange({ throughput, latency, verdict }: Change): string {
  const parts = [`latency ${show(latency)}`];
  if (throughput !== null) parts.unshift(`throughput ${show(throughput)}`);
  return `${verdict.padEnd(8)} ${parts.join(', ')}`;
}

function printChanges({ changes, unmatched }: Changes): void {
  print('Ratios of after to before with their 95 % intervals; above 1, after is better.');
  printTable([
    ...changes.map(
      (one) => [nameOf(one.scenario, one.configuration), describeChange(one)] as const,
    ),
    ...unmatched.map((one) => [nameOf(one.scenario, one.configuration), `only ${one.in}`] as const),
  ]);
}

async function run(
  before: string,
  after: string,
  options: { tolerance: number; json?: true },
): Promise<void> {
  const changes = compareReports(
    await readReport(before),
    await readReport(after),
    options.tolerance,
  );
  if (options.json) print(changes);
  else printChanges(changes);
  if (changes.changes.some(({ verdict }) => verdict === 'worse')) process.exitCode = 1;
}

/** Makes the command `llm2clip bench compare`. */
export function compareCommand(): Command {
  return new Command('compare')
    .description(
      'compare two benchmark records, allowing for noise; the exit code is 1 if anything got worse',
    )
    .argument('<before>', 'JSON file written by bench')
    .argument('<after>', 'JSON file written by bench')
    .option(
      '--tolerance <percent>',
      'a loss up to this much is not a regression',
      tolerance,
      DEFAULT_TOLERANCE,
    )
    .option('--json', 'print the changes as JSON')
    .action(run);
}
