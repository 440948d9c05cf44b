// Compiles the TypeScript that test processes run, once for all of them. Otherwise each process
// would load tsx, which takes longer than many test files themselves.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ROOT } from '../command.mjs';

const FOLDERS = ['bench', 'test', 'tools'];

/** The oldest Node that runs the tests. */
const TARGET = 'node20';

/** Returns a new folder with each file at its path in the project. The caller removes it. */
export async function compileTests() {
  // esbuild is a dependency of tsx.
  const { transform } = createRequire(createRequire(import.meta.url).resolve('tsx'))('esbuild');
  const folder = mkdtempSync(join(tmpdir(), 'llm2clip-compiled-'));
  const compile = async (file) => {
    const { code } = await transform(readFileSync(join(ROOT, file), 'utf8'), {
      loader: 'ts',
      format: 'esm',
      target: TARGET,
      sourcemap: 'inline',
      sourcesContent: false,
      sourcefile: basename(file), // relative to the URL that Node knows the module by
    });
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
  };
  await Promise.all(FOLDERS.flatMap(listTypescript).map(compile));
  return folder;
}

function listTypescript(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => name.endsWith('.mts') && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}
