// What a machine without Node and without a network needs to run test/ and the command.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../command.mjs';

/** Packages, with all that they need; what the suite leaves out is not among them. */
const PACKAGES = [
  '@huggingface/tokenizers',
  'commander',
  'llama3-tokenizer-js',
  'node-addon-api',
  'node-api-headers',
  'node-gyp-build',
  'sharp',
  'tsx',
  'yauzl',
];

/** Of the project, as it lies here. */
const PARTS = [
  'package.json',
  'dist',
  'test',
  'tools/synthetic',
  'bench/gpu',
  'scripts/command.mjs',
  'scripts/gpu-kit',
];

/** What is large and not used: seeds of the fuzzer, other forms of the same vocabulary. */
const LEFT_OUT = [
  'test/fuzz',
  'node_modules/llama3-tokenizer-js/src',
  'node_modules/llama3-tokenizer-js/bundle/commonjs-llama3-tokenizer-with-baked-data.cjs',
  'node_modules/llama3-tokenizer-js/bundle/commonjs-llama3-tokenizer-with-baked-data.js',
];

/** The addon, its engine, for where that is not built, and an engine that gives serving something to time. */
const BUILT = ['llm2clip.node', 'llm2clip_torchscript.so', 'tests/fake_engine.so'];

/** The engine's part for GPUs. */
const OPERATORS = 'llm2clip_torchscript_cuda.so';

/** Fills an empty folder: node, and project/ with its node_modules. False: this build has no part for GPUs. */
export function layOut(folder, node) {
  copyNode(node, join(folder, 'node'));
  const project = join(folder, 'project');
  for (const part of PARTS) copy(part, project);
  for (const name of packagesOf(PACKAGES)) copy(`node_modules/${name}`, project);
  const hasOperators = existsSync(join(ROOT, 'build/Release', OPERATORS));
  for (const name of hasOperators ? [...BUILT, OPERATORS] : BUILT) {
    copy(`build/Release/${name}`, project);
  }
  return hasOperators;
}

/** The symbols of Node are a fifth of it. */
function copyNode(from, to) {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
  execFileSync('strip', [to]);
}

function copy(path, project) {
  const target = join(project, path);
  mkdirSync(dirname(target), { recursive: true });
  const filter = (source) => !LEFT_OUT.some((part) => source === join(ROOT, part));
  cpSync(join(ROOT, path), target, { recursive: true, dereference: true, filter });
}

/** These and their dependencies that are installed; those of other platforms are not. */
function packagesOf(names, found = new Set()) {
  for (const name of names) {
    const path = join(ROOT, 'node_modules', name, 'package.json');
    if (found.has(name) || !existsSync(path)) continue;
    found.add(name);
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(path, 'utf8'));
    packagesOf(Object.keys({ ...dependencies, ...optionalDependencies }), found);
  }
  return [...found];
}
