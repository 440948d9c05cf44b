// The files that a machine without Node, a compiler and a network needs to run test/, the command
// and gpu-check.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../command.mjs';

/**
 * The packages to pack, with their dependencies. Packages that only the skipped tests need are left
 * out.
 */
const PACKAGES = [
  '@huggingface/tokenizers',
  'commander',
  'llama3-tokenizer-js',
  'lru-cache',
  'node-addon-api',
  'node-api-headers',
  'node-gyp-build',
  'sharp',
  'tsx',
  'yauzl',
];

/** Parts of the project that are packed unchanged. */
const PARTS = [
  'package.json',
  'dist',
  'build/digits',
  'test',
  'tools/synthetic',
  'bench/gpu',
  'scripts/command.mjs',
  'scripts/gpu-kit',
];

/**
 * Large files that are not used there: seeds of the fuzzer, and other forms of the same vocabulary.
 */
const LEFT_OUT = [
  'test/fuzz',
  'node_modules/llama3-tokenizer-js/src',
  'node_modules/llama3-tokenizer-js/bundle/commonjs-llama3-tokenizer-with-baked-data.cjs',
  'node_modules/llama3-tokenizer-js/bundle/commonjs-llama3-tokenizer-with-baked-data.js',
];

/** From the build: the addon, its engine, and the engine for the tests of serving. */
const BUILT = ['llm2clip.node', 'llm2clip_torchscript.so', 'tests/fake_engine.so'];

/** Parts of a build that was made with CUDA's compiler: the engine's operators and the checks. */
const BUILT_WITH_CUDA = ['llm2clip_torchscript_cuda.so', 'gpu_check'];

/** Parts of a build that was made with TensorRT's headers. */
const BUILT_WITH_TENSORRT = ['llm2clip_tensorrt_rtx.so', 'llm2clip_tensorrt.so'];

/**
 * Fills an empty folder with node and project/. Returns the GPU parts of the build that do not
 * exist.
 */
export function layOut(folder, node) {
  copyNode(node, join(folder, 'node'));
  const project = join(folder, 'project');
  for (const part of PARTS) copy(part, project);
  for (const name of packagesOf(PACKAGES)) copy(`node_modules/${name}`, project);
  const optional = [...BUILT_WITH_CUDA, ...BUILT_WITH_TENSORRT];
  const missing = optional.filter((name) => !isBuilt(join(ROOT, 'build/Release', name)));
  for (const name of [...BUILT, ...optional.filter((name) => !missing.includes(name))]) {
    copy(`build/Release/${name}`, project);
    strip(join(project, 'build/Release', name));
  }
  return missing;
}

/** A build that ended too early leaves a folder without programs. */
function isBuilt(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && !(status.isDirectory() && readdirSync(path).length === 0);
}

function copyNode(from, to) {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
  strip(to);
}

/** Symbols are a fifth of Node's size, and nobody debugs where the kit runs. */
function strip(path) {
  const isFolder = statSync(path).isDirectory();
  execFileSync('strip', isFolder ? readdirSync(path).map((name) => join(path, name)) : [path]);
}

function copy(path, project) {
  const target = join(project, path);
  mkdirSync(dirname(target), { recursive: true });
  const filter = (source) => !LEFT_OUT.some((part) => source === join(ROOT, part));
  cpSync(join(ROOT, path), target, { recursive: true, dereference: true, filter });
}

/**
 * Returns these packages and their installed dependencies. Those for other platforms are not
 * installed.
 */
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
