// Everything that start, test and check need, on a fresh clone or a used one: packages, compiled
// TypeScript, libtorch with its headers, TensorRT's headers, the addon and its plugins; with --cuda
// also CUDA's compiler, and by it what runs on GPUs. Each step is skipped when done.
// Node's own modules only: node_modules may not be there yet.
import { performance } from 'node:perf_hooks';
import { addon } from './setup/addon.mjs';
import { cudaToolkit } from './setup/cuda-toolkit.mjs';
import { libtorch } from './setup/libtorch.mjs';
import { packages } from './setup/packages.mjs';
import { tensorrt } from './setup/tensorrt.mjs';
import { typescript } from './setup/typescript.mjs';
import { describeOldNode, findMissingTools } from './toolchain.mjs';

/** Each: `name`, `isDone()`, `run()`. One may use what those before it made. */
const STEPS = [
  packages,
  typescript,
  libtorch,
  tensorrt,
  ...(process.argv.includes('--cuda') ? [cudaToolkit] : []),
  addon,
];

let toolsChecked = false;

async function requireTools() {
  if (toolsChecked) return;
  const missing = await findMissingTools();
  if (missing) fail(missing);
  toolsChecked = true;
}

async function take(step) {
  const begin = performance.now();
  const done = await step.isDone();
  if (!done) {
    await requireTools();
    if (process.stdout.isTTY) process.stdout.write(`… ${step.name}`);
    await step.run();
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(done ? 2 : 1);
  const clear = !done && process.stdout.isTTY ? '\r\x1b[K' : '';
  console.log(`${clear}✓ ${step.name}${done ? ' up to date' : ''} (${seconds} s)`);
}

function fail(line) {
  console.error(line);
  process.exit(1);
}

const oldNode = describeOldNode();
if (oldNode) fail(oldNode);
for (const step of STEPS) {
  try {
    await take(step);
  } catch (error) {
    if (process.stdout.isTTY) process.stdout.write('\n');
    fail(`✗ ${step.name}: ${error.message}`);
  }
}
