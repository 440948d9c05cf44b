// Writes the tables of README from the records that they name, or, with --check, says whether they
// are theirs:
//
//   node --import tsx bench/readme-table.mts [--check]
//
// <!-- bench: RECORD --> tables <!-- /bench -->
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Report } from '#lib/bench/record';
import { comparisonsInMarkdown } from '#lib/bench/report/markdown';

const ROOT = new URL('../', import.meta.url);
const README = fileURLToPath(new URL('README.md', ROOT));
const TABLES = /<!-- bench: (\S+) -->\n.*?<!-- \/bench -->/gs;

function tables(path: string): string {
  const report = JSON.parse(readFileSync(new URL(path, ROOT), 'utf8')) as Report;
  const { cpu, cores } = report.machine;
  return [
    `<!-- bench: ${path} -->`,
    `${cpu}, ${cores} cores, ${report.date.slice(0, 10)}; \`${report.command}\``,
    comparisonsInMarkdown(report).replaceAll('### ', '#### '),
    '<!-- /bench -->',
  ].join('\n\n');
}

const before = readFileSync(README, 'utf8');
const after = before.replace(TABLES, (_, path: string) => tables(path));
if (!process.argv.includes('--check')) writeFileSync(README, after);
else if (after !== before) {
  console.error(
    'README.md is not what its records say; run: node --import tsx bench/readme-table.mts',
  );
  process.exitCode = 1;
}
