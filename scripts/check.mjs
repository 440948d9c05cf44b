// Checks format, lint, types, dependency rules and the package, and runs the tests. Prints one line
// for each. --no-tests leaves the tests out.
import { performance } from 'node:perf_hooks';
import {
  findExternalBuffers,
  findForbiddenIncludes,
  findMisplacedFiles,
} from './check/dependency-rules.mjs';
import { attw, publint, withTarball } from './check/package.mjs';
import { findClangFormat, listSources } from './clang-format.mjs';
import { attach, capture } from './command.mjs';

const ADDON = 'build/Release/llm2clip.node';

const tsc = (...args) => capture(process.execPath, ['node_modules/typescript/bin/tsc', ...args]);
const biome = (...args) => capture('node_modules/.bin/biome', [...args, '--colors=off', '.']);

/** Each check throws, or returns the faults that it found. */
const CHECKS = {
  'format of TypeScript': () => biome('format'),
  'format of C++': async () =>
    capture(await findClangFormat(), ['--dry-run', '-Werror', ...listSources()]),
  lint: () => biome('lint', '--error-on-warnings'),
  'types of lib': () => tsc('-p', 'tsconfig.json', '--noEmit'),
  'types of tests': () => tsc('-p', 'tsconfig.dev.json'),
  'dependency rules': () => findForbiddenIncludes(),
  'rooms of lib': () => findMisplacedFiles(),
  'no external buffers': () => findExternalBuffers(ADDON),
  "README's benchmark": () =>
    capture(process.execPath, ['--import', 'tsx', 'bench/tables.mts', '--check']),
  publint: () => withTarball(publint),
  'are the types wrong': () => withTarball(attw),
};

async function passes(name, check) {
  const begin = performance.now();
  let faults;
  try {
    faults = await check();
  } catch (error) {
    faults = [error.message];
  }
  const found = Array.isArray(faults) ? faults : [];
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${found.length === 0 ? '✓' : '✗'} ${name} (${seconds} s)`);
  for (const fault of found) console.log(fault.replace(/^/gm, '    '));
  return found.length === 0;
}

let failed = 0;
for (const [name, check] of Object.entries(CHECKS)) {
  if (!(await passes(name, check))) failed += 1;
}
if (failed > 0) console.error(`${failed} of ${Object.keys(CHECKS).length} checks failed`);
const tests = process.argv.includes('--no-tests')
  ? 0
  : await attach(process.execPath, ['scripts/test.mjs']);
process.exitCode = failed > 0 || tests !== 0 ? 1 : 0;
