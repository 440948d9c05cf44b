// Tests that a new engine is one folder in csrc/engine and one file in lib/engines, and that a new
// architecture is one file in csrc/model and one layout table. test/fixtures/toy holds a toy of
// both. They are added to a copy of the sources, with the lines that list them. The copy is
// compiled without libtorch and TensorRT, and its command converts a toy checkpoint and encodes an
// image with it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { findForbiddenIncludes, findMisplacedFiles } from '../scripts/check/dependency-rules.mjs';
import { which } from '../scripts/command.mjs';
import { COMPILER } from '../scripts/toolchain.mjs';
import { run } from './support/cli.mts';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = join(import.meta.dirname, '..');
const TOY = join(import.meta.dirname, 'fixtures/toy');
const SOURCES = ['lib', 'csrc', 'binding', 'CMakeLists.txt', 'tsconfig.json', 'package.json'];

/** The lines that list engines and architectures, and what each line becomes. */
const LISTS = {
  engine: {
    'CMakeLists.txt': {
      'include(csrc/engine/tensorrt/tensorrt.cmake)':
        'include(csrc/engine/tensorrt/tensorrt.cmake)\ninclude(csrc/engine/toy/toy.cmake)',
    },
    'lib/engines/index.ts': {
      "import { torchscript } from './torchscript';":
        "import { torchscript } from './torchscript';\nimport { toy } from './toy';",
      'tensorrtRtx] as const': 'tensorrtRtx, toy] as const',
    },
  },
  architecture: {
    'csrc/model/vision.h': { 'clip_vit, siglip2;': 'clip_vit, siglip2, toy;' },
    'csrc/model/vision.cpp': {
      'Family{"siglip2", siglip2},': 'Family{"siglip2", siglip2},\n    Family{"toy", toy},',
    },
    'lib/checkpoint/layouts/families.ts': {
      "import { SIGLIP2 } from './siglip2';":
        "import { SIGLIP2 } from './siglip2';\nimport { TOY } from './toy';",
      'SIGLIP2] as const': 'SIGLIP2, TOY] as const',
    },
  },
} as const;

const folder = temporaryFolder();
const copy = join(folder, 'project');

function add(what: keyof typeof LISTS): void {
  cpSync(join(TOY, what), copy, { recursive: true });
  for (const [file, lines] of Object.entries(LISTS[what])) {
    let text = readFileSync(join(copy, file), 'utf8');
    for (const [old, line] of Object.entries(lines as Record<string, string>)) {
      assert.ok(text.includes(old), `${file} holds ${old}`);
      text = text.replace(old, line);
    }
    writeFileSync(join(copy, file), text);
  }
}

const filesOf = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1));

/**
 * Compares the copy with the project: its new files, and the number of changed lines in other
 * files.
 */
function difference(): { files: string[]; lines: Record<string, number> } {
  const original = new Set(filesOf(ROOT).filter((file) => !file.startsWith('node_modules/')));
  const files: string[] = [];
  const lines: Record<string, number> = {};
  for (const file of filesOf(copy)) {
    if (!original.has(file)) {
      files.push(file);
      continue;
    }
    const old = new Set(readFileSync(join(ROOT, file), 'utf8').split('\n'));
    const changed = readFileSync(join(copy, file), 'utf8')
      .split('\n')
      .filter((line) => !old.has(line));
    if (changed.length > 0) lines[file] = changed.length;
  }
  return { files: files.sort(), lines };
}

/** Writes a checkpoint of ones in little-endian float32, with the names of the toy's layout. */
function writeToyCheckpoint(path: string): void {
  const shapes: Record<string, number[]> = {
    'toy.cls_token': [1, 1, 8],
    'toy.pos_embed': [1, 5, 8],
    'toy.patch_embed.proj.weight': [8, 3, 2, 2],
    ...Object.fromEntries(
      [0, 1].flatMap((i) => [
        [`toy.blocks.${i}.norm1.weight`, [8]],
        [`toy.blocks.${i}.norm1.bias`, [8]],
        [`toy.blocks.${i}.mlp.fc1.weight`, [16, 8]],
        [`toy.blocks.${i}.mlp.fc1.bias`, [16]],
        [`toy.blocks.${i}.mlp.fc2.weight`, [8, 16]],
        [`toy.blocks.${i}.mlp.fc2.bias`, [8]],
      ]),
    ),
    'toy.head.weight': [6, 8],
    'toy.head.bias': [6],
  };
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const end = offset + 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const ones = new Float32Array(offset / 4).fill(1);
  writeFileSync(path, Buffer.concat([length, json, Buffer.from(ones.buffer)]));
}

function compile(): void {
  const node = (...words: string[]) => execFileSync(process.execPath, words, { cwd: copy });
  node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json');
  const cmake = (...words: string[]) =>
    execFileSync('cmake', words, {
      cwd: copy,
      env: { ...process.env, CXX: COMPILER, CCACHE_BASEDIR: copy, CCACHE_NOHASHDIR: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  const launcher = which('ccache') ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : [];
  // Compiles without optimisation, because nothing here is measured.
  const flags = ['-DCMAKE_BUILD_TYPE=None', '-DCMAKE_CXX_FLAGS=-O0', ...launcher];
  const output = `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${join(copy, 'build/Release')}`;
  cmake('-S', '.', '-B', 'build', output, ...flags);
  cmake('--build', 'build', '-j', '2', '--target', 'llm2clip', 'llm2clip_toy');
}

describe('a toy engine and a toy architecture', () => {
  before(() => {
    mkdirSync(copy);
    for (const name of SOURCES) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    add('engine');
    add('architecture');
  });

  test('need one file each in lib and csrc, and the lines that list them', () => {
    assert.deepEqual(difference(), {
      files: [
        'csrc/engine/toy/toy.cmake',
        'csrc/engine/toy/toy_engine.cpp',
        'csrc/model/toy.cpp',
        'lib/checkpoint/layouts/toy.ts',
        'lib/engines/toy.ts',
      ],
      lines: {
        'CMakeLists.txt': 1,
        'csrc/model/vision.cpp': 1,
        'csrc/model/vision.h': 1,
        'lib/checkpoint/layouts/families.ts': 2,
        'lib/engines/index.ts': 2,
      },
    });
  });

  test("follow the project's rules", () => {
    assert.deepEqual(findForbiddenIncludes(copy), []);
    assert.deepEqual(findMisplacedFiles(copy), []);
  });

  test('convert a checkpoint and encode an image', async () => {
    compile();
    const main = join(copy, 'dist/cli/main.js');
    chmodSync(main, 0o755);
    const checkpoint = join(folder, 'toy.safetensors');
    writeToyCheckpoint(checkpoint);
    const bundle = join(folder, 'toy.bundle');
    const words = ['convert', checkpoint, '--engine', 'toy', '--out', bundle, '--json'];
    const converted = await run(words, {}, main);
    assert.equal(converted.code, 0, converted.stderr);
    const [manifest] = converted.json() as [Record<string, unknown>];
    assert.deepEqual(manifest.model, {
      ...{ family: 'toy', imageSize: 4, patchSize: 2, width: 8, layers: 2, heads: 2, hidden: 16 },
      ...{ embeddingDim: 6, activation: 'gelu', layerNormEps: 1e-5, ropeGrid: 0 },
    });
    const operations = readFileSync(join(bundle, 'vision/1/model.txt'), 'utf8').trim().split('\n');
    const block = ['layer_norm', 'linear', 'activation', 'linear', 'add'];
    const head = ['select_token', 'linear'];
    assert.deepEqual(operations, ['pixels', 'patch_embed', ...block, ...block, ...head, '6']);

    const program = `
      const { LLM2CLIP } = require('./dist/index.js');
      (async () => {
        const model = await LLM2CLIP.load(${JSON.stringify(bundle)});
        const pixelValues = Float32Array.from({ length: 48 }, (_, i) => 1 + Math.floor(i / 16));
        const image = { pixelValues, shape: [1, 3, 4, 4] };
        const embedding = await model.encodeImage(image, { normalize: false });
        console.log(JSON.stringify([model.info.engine.kind, model.info.family, [...embedding]]));
        await model.dispose();
      })();`;
    const said = execFileSync(process.execPath, ['-e', program], { cwd: copy, encoding: 'utf8' });
    assert.deepEqual(JSON.parse(said), ['toy', 'toy', [1, 2, 3, 1, 2, 3]]);
  });
});
