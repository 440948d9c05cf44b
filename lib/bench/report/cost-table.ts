// The page's last table: the costs of runs besides their time, and the parity of their embeddings.
import type { Parity, Report, Run } from '../record';
import { formatMebibytes, formatNumber, formatPercent, NONE, oneLine } from './format';
import { failedParity, orderRuns } from './ranking';
import { columns, runName, type Table } from './rows';

const COLUMNS = [
  ...columns(
    ['run'],
    ['engine busy', 'loop p99 ms', 'GC ms', 'peak RSS MiB', 'GFLOP/s', 'J/image'],
  ),
  ...columns(['neighbours', 'parity with'], []),
];

/** Formats the agreement of nearest neighbours: "top 5: 99.2 %". */
function neighbours(parity: Parity | null): string {
  if (!parity?.topK) return NONE;
  return `top ${parity.topK.k}: ${formatPercent(parity.topK.agreement)}`;
}

function cells(run: Run): string[] {
  const { engineUtilisation, eventLoopDelay, gc, memory, compute, energy, parity } = run;
  return [
    runName(run),
    formatPercent(engineUtilisation),
    ...[eventLoopDelay.p99, gc.total].map(formatNumber),
    formatMebibytes(memory.rssPeakBytes),
    formatNumber(compute?.gflops ?? null),
    formatNumber(energy?.joulesPerPicture ?? null),
    neighbours(parity),
    parity === null ? NONE : oneLine(parity.reference),
  ];
}

export function costTable({ runs }: Report): Table {
  return {
    title: 'What each run cost',
    columns: COLUMNS,
    rows: orderRuns(runs).map((run) => ({ cells: cells(run), failed: failedParity(run) })),
    notes: [],
  };
}
