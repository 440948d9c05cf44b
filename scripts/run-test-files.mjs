// node --import tsx scripts/run-test-files.mjs PATTERN FILE…: runs test files in the order given, which
// `node --test` would sort. PATTERN: of the tests' names; empty for all. Each file runs in a process of
// its own, with the options that this one was started with.
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Several files use all cores themselves. */
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
