// Runs the tests in test/*.test.mts, or those whose names contain one of the arguments.
//
//   npm test -- [--test-name-pattern=PATTERN] [NAME…]
//
// `npm run test:long` passes --long, which runs the tests that take minutes and that `npm test`
// leaves out. --all runs both.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attach, ROOT } from './command.mjs';
import { compileTests } from './compiled/compile.mjs';

const SUFFIX = '.test.mts';
/**
 * Full-size models, long lives, packing half of the project, a copy that is compiled anew, and the
 * GPU operators on a CPU.
 */
const LONG = [
  ...['leaks', 'tensorrt-full-size', 'full-size', 'gpu-kit'],
  ...['cuda-text', 'cuda-operators', 'toy'],
];
/** These start first, because a long test at the end would leave a core idle. */
const FIRST = [...LONG, 'runtime-install', 'bench-cli', 'workers', 'search-cli'];

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    'test-name-pattern': { type: 'string' },
    long: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
  },
});

const isLong = (file) => LONG.includes(file.replace(SUFFIX, ''));

function isWanted(file) {
  if (names.length > 0) return names.some((name) => file.includes(name));
  return values.all || isLong(file) === values.long;
}

/** The position in FIRST. All other tests come later. */
function place(file) {
  const index = FIRST.indexOf(file.replace(SUFFIX, ''));
  return index === -1 ? FIRST.length : index;
}

const files = readdirSync(join(ROOT, 'test'))
  .filter((file) => file.endsWith(SUFFIX))
  .filter(isWanted)
  .sort()
  .sort((a, b) => place(a) - place(b));
if (files.length === 0) {
  console.error(`expected a test named like ${names.join(' or ')}, found none in test/`);
  process.exit(1);
}
if (names.length === 0 && !values.all && !values.long) {
  console.log(`Left out, as they take minutes: ${LONG.join(', ')} (npm run test:long)`);
}
const compiled = await compileTests();
process.on('exit', () => rmSync(compiled, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const loader = new URL('compiled/register.mjs', import.meta.url).href;
const args = [
  ...['--import', loader, 'scripts/run-test-files.mjs', values['test-name-pattern'] ?? ''],
  ...files.map((file) => `test/${file}`),
];
// Waiting OpenMP threads sleep. By default, they would spin and take cores from other test files.
const env = {
  OMP_WAIT_POLICY: 'passive',
  ...process.env,
  LLM2CLIP_COMPILED_TESTS: compiled,
};
process.exitCode = await attach(process.execPath, args, { env });
