// Formats a comparison with LoadGen as the table that tables.mts puts into README.
import type { Machine } from '#lib/bench/record';
import type { Figures, Outcome, Round, TOLERANCES } from './agreement.mts';

export interface LoadGenRecord {
  command: string;
  date: string;
  machine: Machine;
  /** The version of LoadGen. */
  loadgen: string;
  settings: Settings;
  tolerances: typeof TOLERANCES;
  rounds: Round[];
  outcomes: Outcome[];
}

interface Settings {
  model: string;
  precision: string;
  threads: number;
  maxBatch: number;
  input: 'encoded';
  pictures: number;
  rounds: number;
  /** The minimum duration of a run. */
  seconds: number;
  /** Queries per second in the server scenario. */
  rate: number;
}

const ms = (value: number) =>
  value < 1000 ? value.toPrecision(3) : Math.round(value).toLocaleString('en');
const latencies = ({ p50, p90, p99 }: Figures) => [p50, p90, p99].map(ms).join(' / ');

function row({ scenario, loadgen, llm2clip, agree }: Outcome): string {
  const missed = Object.entries(agree).filter(([, agrees]) => !agrees);
  const verdict = missed.length === 0 ? 'yes' : `not at ${missed.map(([one]) => one).join(', ')}`;
  return `| ${[scenario, latencies(loadgen), latencies(llm2clip), verdict].join(' | ')} |`;
}

export function loadGenTable({
  command,
  date,
  machine,
  settings,
  outcomes,
}: LoadGenRecord): string {
  const { model, precision, rate, rounds } = settings;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${date.slice(0, 10)}; ${model} in ${precision}, server at ` +
      `${rate}/s, medians of ${rounds} rounds; \`${command}\`\n`,
    '| p50 / p90 / p99 in ms | LoadGen | llm2clip bench | agree |',
    '|---|---|---|---|',
    ...outcomes.map(row),
  ].join('\n');
}
