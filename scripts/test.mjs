// Runs test/*.test.mts, or those whose names hold one of the arguments: npm test -- runtime image
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { attach, ROOT } from './command.mjs';

/** Each file runs in a process of its own, and several of them use all cores. */
const CONCURRENCY = 2;
const SUFFIX = '.test.mts';

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
// Node 20 takes no pattern here.
const files = readdirSync(join(ROOT, 'test'))
  .filter((file) => file.endsWith(SUFFIX))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort();
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
