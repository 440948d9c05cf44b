// node --import scripts/compiled/register.mjs scripts/run-test-files.mjs PATTERN FILE…
//
// Runs test files in the given order; `node --test` would sort them. PATTERN selects tests by name;
// an empty one selects all. Each file runs in a separate process, with the same Node options as
// this process.
import { existsSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { describeHanging } from './hanging.mjs';

/** Several of the files use all cores by themselves. */
const CONCURRENCY = 2;

/** A file that takes longer hangs. It is ended, and fails by its name. */
const LONGEST_MS = 10 * 60_000;

const [pattern, ...files] = process.argv.slice(2);
if (existsSync('/proc/self/task')) {
  const describe = () => {
    for (const line of describeHanging((LONGEST_MS * 0.9) / 1000)) console.log(`hangs: ${line}`);
  };
  setInterval(describe, LONGEST_MS / 20).unref();
}
const report = run({
  files,
  concurrency: CONCURRENCY,
  timeout: LONGEST_MS,
  ...(pattern ? { testNamePatterns: [pattern] } : {}),
})
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(new spec());
report.pipe(process.stdout);
// A process that a test has left may keep its file's output open.
report.on('end', () => process.exit());
