import type { Report } from '../record';
import { aloneWarnings } from './alone';
import { oneLine } from './format';
import { comparisonTables, INTERRUPTED, RATIO_MEANING, runTables, type Table } from './rows';

const GAP = '  ';

function alignedLines({ columns, rows }: Table): string[] {
  const lines = [columns.map(({ name }) => name), ...rows.map(({ cells }) => cells)];
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => cells[i]?.length ?? 0)));
  return lines.map((cells) =>
    columns
      .map(({ number }, i) => {
        const [cell, width] = [cells[i] ?? '', widths[i] ?? 0];
        return number ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(GAP)
      .trimEnd(),
  );
}

function block(table: Table): string {
  const { title, rows, notes } = table;
  return [title, ...(rows.length > 0 ? alignedLines(table) : []), ...notes].join('\n');
}

/**
 * Writes a report as aligned plain text, without a line break at the end: the runs by their
 * setting, then the comparisons. Configurations that failed parity come last and have no ratio.
 *
 * @example
 * process.stdout.write(`${terminalReport(report)}\n`);
 */
export function terminalReport(report: Report): string {
  const { cpu, cores } = report.machine;
  const comparisons = comparisonTables(report).map(block);
  return [
    `${oneLine(cpu)}, ${cores} cores`,
    ...(report.interrupted ? [INTERRUPTED] : []),
    ...aloneWarnings(report),
    ...runTables(report).map(block),
    ...comparisons,
    ...(comparisons.length > 0 ? [RATIO_MEANING] : []),
  ].join('\n\n');
}
