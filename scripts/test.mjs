// Runs test/*.test.mts, or those whose names hold one of the arguments:
//   npm test -- [--test-name-pattern=PATTERN] [NAME…]
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attach, ROOT } from './command.mjs';

const SUFFIX = '.test.mts';
/** Files that take a minute or more start first: a long one at the end leaves a core idle. */
const LONG = ['leaks', 'runtime-install', 'bench-cli', 'full-size', 'tensorrt-full-size', 'exit'];

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { 'test-name-pattern': { type: 'string' } },
});

/** Its place in LONG; what is not in it comes after all that is. */
function place(file) {
  const index = LONG.indexOf(file.replace(SUFFIX, ''));
  return index === -1 ? LONG.length : index;
}

const files = readdirSync(join(ROOT, 'test'))
  .filter((file) => file.endsWith(SUFFIX))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort()
  .sort((a, b) => place(a) - place(b));
if (files.length === 0) {
  console.error(`expected a test named like ${names.join(' or ')}, found none in test/`);
  process.exit(1);
}
const args = [
  ...['--import', 'tsx', 'scripts/run-test-files.mjs', values['test-name-pattern'] ?? ''],
  ...files.map((file) => `test/${file}`),
];
// Threads of OpenMP that wait for one another sleep: by default they take a core each from other files.
const env = { OMP_WAIT_POLICY: 'passive', ...process.env };
process.exitCode = await attach(process.execPath, args, { env });
