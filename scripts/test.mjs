// Runs test/*.test.mts, or those whose names hold one of the arguments: npm test -- runtime image
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { attach, ROOT } from './command.mjs';

/** Each file runs in a process of its own, and several of them use all cores. */
const CONCURRENCY = 2;
const SUFFIX = '.test.mts';
/** Files that take a minute or more start first: a long one at the end leaves a core idle. */
const LONG = ['leaks', 'runtime-install', 'full-size', 'tensorrt-full-size', 'bench-cli', 'exit'];

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));

/** Its place in LONG; what is not in it comes after all that is. */
function place(file) {
  const index = LONG.indexOf(file.replace(SUFFIX, ''));
  return index === -1 ? LONG.length : index;
}

// Node 20 takes no pattern here.
const files = readdirSync(join(ROOT, 'test'))
  .filter((file) => file.endsWith(SUFFIX))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort()
  .sort((a, b) => place(a) - place(b));
if (files.length === 0) {
  console.error(`expected a test named like ${names.join(' or ')}, found none in test/`);
  process.exit(1);
}
process.exitCode = await attach(process.execPath, [
  '--import',
  'tsx',
  '--test',
  '--test-reporter=spec',
  `--test-concurrency=${CONCURRENCY}`,
  ...options,
  ...files.map((file) => `test/${file}`),
]);
