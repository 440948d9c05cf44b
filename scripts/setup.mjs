// Sets up a clone, fresh or used. Without options, it provides what `npm start` needs: packages,
// compiled TypeScript, the digits' images, libtorch with its headers, the addon and the TorchScript engine. --tests
// adds what `npm test` needs: TensorRT's headers and engines, and the tests' programs. --long adds
// what `npm run test:long` needs as well. --cuda adds CUDA's compiler and everything that runs on
// GPUs. Steps that are up to date are skipped.
//
// This script may use only Node's own modules, because node_modules may not exist yet.
import { performance } from 'node:perf_hooks';
import { cudaToolkit } from './setup/cuda-toolkit.mjs';
import { digits } from './setup/digits.mjs';
import { libtorch } from './setup/libtorch.mjs';
import { addon, cuda, tests, torchscript, twin } from './setup/native.mjs';
import { packages } from './setup/packages.mjs';
import { tensorrt } from './setup/tensorrt.mjs';
import { typescript } from './setup/typescript.mjs';
import { describeOldNode, findMissingTools } from './toolchain.mjs';

const withCuda = process.argv.includes('--cuda');
const withLong = withCuda || process.argv.includes('--long');
const withTests = withLong || process.argv.includes('--tests');

/**
 * Each step has `name`, `isDone()` and `run()`. A step may use the results of the rows before it.
 * The steps of one row run at the same time.
 */
const ROWS = [
  [packages],
  [typescript],
  [digits],
  [libtorch, addon], // one waits for the network, the other for the compiler
  [torchscript],
  ...(withTests ? [[tensorrt], [tests]] : []),
  ...(withLong ? [[twin]] : []),
  ...(withCuda ? [[cudaToolkit], [cuda]] : []),
];

let toolsChecked;

function requireTools() {
  toolsChecked ??= findMissingTools().then((missing) => {
    if (missing) throw new Error(missing);
  });
  return toolsChecked;
}

async function take(step) {
  const begin = performance.now();
  const done = await step.isDone();
  if (!done) {
    await requireTools();
    showOnTerminal(`… ${step.name}`);
    await step.run();
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(done ? 2 : 1);
  showOnTerminal('');
  console.log(`✓ ${step.name}${done ? ' up to date' : ''} (${seconds} s)`);
}

/** Replaces the current line of the terminal. */
function showOnTerminal(line) {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
}

/** If there are any lines, prints them and ends the process. */
function failWith(lines) {
  if (lines.length === 0) return;
  showOnTerminal('');
  for (const line of new Set(lines)) console.error(line);
  process.exit(1);
}

const describeFailure = ({ name }, { message }) =>
  message.startsWith('missing:') ? message : `✗ ${name}: ${message}`;

failWith([describeOldNode() ?? []].flat());
for (const row of ROWS) {
  const ended = await Promise.allSettled(row.map(take));
  failWith(
    ended.flatMap(({ status, reason }, i) =>
      status === 'rejected' ? [describeFailure(row[i], reason)] : [],
    ),
  );
}
