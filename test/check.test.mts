// Tests what `npm run check` refuses, on small trees that break its rules.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findForbiddenIncludes, findMisplacedFiles } from '../scripts/check/dependency-rules.mjs';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = join(import.meta.dirname, '..');
const folder = temporaryFolder();
let trees = 0;

/** Makes a tree that holds only these files. */
function tree(files: Record<string, string>): string {
  trees += 1;
  const root = join(folder, String(trees));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

/**
 * Returns the files, one per import, that biome reports as part of a circle, with the project's
 * settings.
 */
function circles(files: Record<string, string>): string[] {
  const root = tree(files);
  copyFileSync(join(ROOT, 'biome.json'), join(root, 'biome.json'));
  const words = ['lint', '--vcs-enabled=false', '--only=suspicious/noImportCycles', '--colors=off'];
  try {
    execFileSync(join(ROOT, 'node_modules/.bin/biome'), [...words, '.'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return [];
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    const found = `${stdout}${stderr}`.matchAll(
      /^(\S+):\d+:\d+ lint\/suspicious\/noImportCycles/gm,
    );
    return [...found].map(([, file = '']) => file).sort();
  }
}

test('circles of imports, of types and of values, through folders and import()', () => {
  assert.deepEqual(
    circles({
      'lib/a/index.ts': "import type { B } from '../b';\nexport type A = B | 1;\n",
      'lib/b.ts': "export type { A } from './a';\nexport type B = 2;\n",
    }),
    ['lib/a/index.ts', 'lib/b.ts'],
  );
  assert.deepEqual(
    circles({
      'lib/x.ts': "import { y } from './y';\nexport const x = () => y;\n",
      'lib/y.ts': "import { z } from './z';\nexport const y = () => z;\n",
      'lib/z.ts': "export const z = () => import('./x');\n",
      'lib/outside.ts': "import { x } from './x';\nexport const outside = x;\n",
    }),
    ['lib/x.ts', 'lib/y.ts', 'lib/z.ts'],
  );
  assert.deepEqual(
    circles({
      'lib/x.ts': "import { z } from './z';\nexport const x = z;\n",
      'lib/y.ts': "import { z } from './z';\nexport const y = z;\n",
      'lib/z.ts': 'export const z = 1;\n',
    }),
    [],
  );
});

test('only lib/engines names an engine', () => {
  const root = tree({
    'lib/engines/torchscript.ts': "export const kind = 'torchscript';\n",
    'lib/model/load.ts': [
      "import { tensorrt } from '../engines/tensorrt';",
      "if (kind === 'torchscript') open();",
      'const remedy = `convert with --engine tensorrt-rtx`;',
      "if (manifest.engine.kind !== 'cpu') open();",
      "// not 'torchscript'",
      " * with engine: 'tensorrt'",
      "const path = '/opt/tensorrt';",
      "const device = 'cpu';",
    ].join('\n'),
  });
  assert.deepEqual(
    findForbiddenIncludes(root).map((fault) => fault.replace(/alone: .*/, 'alone')),
    [2, 3, 4].map((line) => `lib/model/load.ts:${line}: engines are named in lib/engines alone`),
  );
});

test('no file of lib lies beside a folder of its name', () => {
  const root = tree({
    'lib/image.ts': '',
    'lib/image/index.ts': '',
    'lib/image/gif.ts': '',
    'lib/images.ts': '',
    'lib/index.mts': '',
    'lib/bench/report.ts': '',
    'lib/bench/report/html.ts': '',
  });
  const faults = findMisplacedFiles(root).map((fault) => fault.split(':')[0]);
  assert.deepEqual(faults.sort(), ['lib/bench/report.ts', 'lib/image.ts']);
});

test('the top level of lib has few files', () => {
  const files = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`lib/file-${i}.ts`, '']));
  const inRoom = { 'lib/model/index.ts': '', 'lib/model/load.ts': '' };
  assert.deepEqual(findMisplacedFiles(tree({ ...files(12), ...inRoom })), []);
  assert.equal(findMisplacedFiles(tree({ ...files(13), ...inRoom })).length, 1);
});

test('headers that a file may not include', () => {
  // If these lines were written out, this file would break the rules itself.
  const include = (...headers: string[]) =>
    headers.map((header) => `#include ${header}\n`).join('');
  const root = tree({
    'csrc/serving/queue.h': include('"engine/engine.h"'),
    'csrc/engine/torchscript/session.cpp': include('<torch/script.h>'),
    'csrc/model/eva02.cpp': include('"model/net.h"', '<ATen/ATen.h>'),
  });
  const places = findForbiddenIncludes(root).map((fault) => fault.split(':').slice(0, 2).join(':'));
  assert.deepEqual(places.sort(), ['csrc/model/eva02.cpp:2', 'csrc/serving/queue.h:1']);
});
