// Runs the tests in each environment that users have, one after another, and prints a table.
//
//   npm run test:matrix -- [--rows isa-*,busy,…] [--beside-npm-test] [--list] [NAME…]
//
// NAME selects tests as for `npm test`, instead of all tests of a row. --beside-npm-test leaves out
// rows that `npm test` covers. The output of each row goes to build/matrix; what it says of failures
// is printed. Rows that this machine cannot provide are skipped, and the table says why.
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import { ROOT } from './command.mjs';
import { allRows } from './matrix/rows.mjs';
import { runTests } from './matrix/run-tests.mjs';

const LOGS = join(ROOT, 'build/matrix');
const MOST_LINES = 300;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '*' },
    'beside-npm-test': { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

/** "isa-*" matches every name that begins with "isa-". */
function isWanted({ name, isDefault }) {
  if (values['beside-npm-test'] && isDefault) return false;
  return values.rows.split(',').some((pattern) => {
    return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  });
}

const logOf = (name) => join(LOGS, `${name}.log`);

/** What a row's log says of its failures, or its end if the row ended before its summary. */
function failuresIn(log) {
  const lines = readFileSync(log, 'utf8').split('\n');
  const summary = lines.lastIndexOf('✖ failing tests:');
  return lines
    .slice(summary === -1 ? -MOST_LINES : summary)
    .slice(0, MOST_LINES)
    .join('\n');
}

async function runRow({ name, prepare, files }) {
  const folder = mkdtempSync(join(tmpdir(), 'llm2clip-matrix-'));
  const log = createWriteStream(logOf(name));
  const begin = performance.now();
  const { command = [], env = {}, end = () => {} } = await prepare(folder);
  try {
    const names = positionals.length > 0 ? positionals : (files ?? ['--all']);
    const counts = await runTests({ command, env, names, log });
    return { ...counts, seconds: (performance.now() - begin) / 1000 };
  } finally {
    end();
    await promisify(log.end).call(log);
    rmSync(folder, { recursive: true, force: true });
  }
}

const COLUMNS = ['row', 'tests', 'pass', 'fail', 'skipped', 'minutes'];
const line = (cells) => `| ${cells.join(' | ')} |`;

const rows = (await allRows()).filter(isWanted);
if (rows.length === 0) {
  console.error(`expected --rows to name rows, found none for ${values.rows}; --list shows them`);
  process.exit(2);
}
if (values.list) {
  for (const { name, what, missing } of rows) {
    console.log(`${name}: ${what}${missing ? ` (left out: ${missing})` : ''}`);
  }
  process.exit(0);
}
mkdirSync(LOGS, { recursive: true });
console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} cores\n`);
console.log(`${line(COLUMNS)}\n${line(COLUMNS.map(() => '---'))}`);
for (const row of rows) {
  if (row.missing) {
    console.log(line([row.name, `left out: ${row.missing}`, '', '', '', '']));
    continue;
  }
  const { tests, pass, fail, skipped, failures, seconds } = await runRow(row);
  console.log(line([row.name, tests, pass, fail, skipped, (seconds / 60).toFixed(1)]));
  for (const failure of failures) console.error(`  ✖ ${row.name}: ${failure}`);
  if (fail > 0) console.error(failuresIn(logOf(row.name)));
  // A row in which no test ran proves nothing.
  if (fail > 0 || pass === 0) process.exitCode = 1;
}
