import type { Report } from '../record';
import { aloneWarnings } from './alone';
import { formatDate, oneLine } from './format';
import { machinePairs, softwarePairs } from './machine';
import { comparisonTables, INTERRUPTED, RATIO_MEANING, runTables, type Table } from './rows';

/** Escapes the characters that have a meaning in Markdown or HTML. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}<>|#~&]/g, (mark) =>
    mark === '<' ? '&lt;' : mark === '>' ? '&gt;' : mark === '&' ? '&amp;' : `\\${mark}`,
  );
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function pairsTable(
  [left, right]: readonly [string, string],
  pairs: readonly (readonly string[])[],
) {
  const rows = pairs.map((pair) => line(pair.map(escapeMarkdown)));
  return [line([left, right]), line(['---', '---']), ...rows].join('\n');
}

function section({ title, columns, rows, notes }: Table): string {
  const table = [
    line(columns.map(({ name }) => name)),
    line(columns.map(({ number }) => (number ? '---:' : '---'))),
    ...rows.map(({ cells }) => line(cells.map(escapeMarkdown))),
  ];
  const list = notes.map((note) => `- ${escapeMarkdown(note)}`);
  const parts = [`### ${escapeMarkdown(title)}`, ...(rows.length > 0 ? [table.join('\n')] : [])];
  return [...parts, ...(list.length > 0 ? [list.join('\n')] : [])].join('\n\n');
}

function sections(heading: string, tables: readonly Table[], ...notes: string[]): string[] {
  return tables.length === 0 ? [] : [`## ${heading}`, ...notes, ...tables.map(section)];
}

/** Writes only the comparisons, for a document with its own headings. */
export function comparisonsInMarkdown(report: Report): string {
  return [...comparisonTables(report).map(section), RATIO_MEANING].join('\n\n');
}

/**
 * Writes a report as GitHub Markdown, with the machine, the versions, the command and the date.
 *
 * @example
 * await writeFile('benchmark.md', markdownReport(report));
 */
export function markdownReport(report: Report): string {
  const { command, date, interrupted, machine } = report;
  const parts = [
    '# Benchmark',
    `${escapeMarkdown(formatDate(date))}, with`,
    // An indented command is a code block and needs no escapes.
    `    ${oneLine(command)}`,
    ...(interrupted ? [`**${INTERRUPTED}**`] : []),
    ...aloneWarnings(report).map((warning) => `**${escapeMarkdown(warning)}**`),
    ...sections('Runs', runTables(report)),
    ...sections('Against other engines', comparisonTables(report), RATIO_MEANING),
    '## Machine',
    pairsTable(['part', 'value'], machinePairs(machine)),
    '## Versions',
    pairsTable(['software', 'version'], softwarePairs(report)),
  ];
  return `${parts.join('\n\n')}\n`;
}
