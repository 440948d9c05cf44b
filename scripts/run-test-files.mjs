// node --import scripts/compiled/register.mjs scripts/run-test-files.mjs PATTERN FILE…
//
// Runs test files in the given order; `node --test` would sort them. PATTERN selects tests by name;
// an empty one selects all. Each file runs in a separate process, with the same Node options as
// this process.
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Several of the files use all cores by themselves. */
const CONCURRENCY = 2;

const [pattern, ...files] = process.argv.slice(2);
run({
  files,
  concurrency: CONCURRENCY,
  ...(pattern ? { testNamePatterns: [pattern] } : {}),
})
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);
