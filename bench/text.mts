// Compares a language model of 1B with synthetic weights on the CPU with transformers' LlamaModel
// on the same weights and tokens. The workloads are captions and long texts, single and many. They
// take turns, and the other's process is stopped.
//
//   npm run bench:text -- [--rounds N] [--threads N] [--workloads LIST] [--peers bf16,fp32|none]
//     [--python PATH] [--remark TEXT] [--out FILE]
//
// bench/peers/setup installs the peer. The engine is built in one process and used in another, so
// that the peak memory of each can be measured. Token counts do not include padding.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from '#lib/bench/machine';
import { PEERS_PYTHON } from './models.mts';
import { type Comparison, TextComparison } from './text-comparison.mts';
import { buildEngine, checkpointFolder } from './text-model.mts';
import { PRESET, WORKLOADS, workload } from './text-workloads.mts';

const { values: options } = parseArgs({
  options: {
    build: { type: 'string' }, // set in the process that builds
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '5' },
    workloads: { type: 'string', default: Object.keys(WORKLOADS).join() },
    peers: { type: 'string', default: 'bf16,fp32' },
    python: { type: 'string', default: PEERS_PYTHON },
    remark: { type: 'string' },
    out: { type: 'string' },
  },
});

/** The peak memory of this process so far. */
const peakMemoryBytes = () => process.resourceUsage().maxRSS * 1024;

async function build(folder: string) {
  const checkpoint = await checkpointFolder(PRESET);
  const begin = performance.now();
  const file = await buildEngine(checkpoint, PRESET, 'bf16', folder);
  const seconds = (performance.now() - begin) / 1000;
  const [peak, bytes] = [peakMemoryBytes(), statSync(file).size];
  const build = { seconds, bytes, peakMemoryBytes: peak, peakMemoryOverFile: peak / bytes };
  return { file, build };
}

function buildInOwnProcess(folder: string): Awaited<ReturnType<typeof build>> {
  const here = fileURLToPath(import.meta.url);
  const child = spawnSync(process.execPath, ['--import', 'tsx', here, '--build', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`cannot build ${PRESET}`);
  return JSON.parse(child.stdout);
}

async function compare(comparison: TextComparison): Promise<Comparison[]> {
  if (options.peers === 'none') return [await comparison.runAlone()];
  const comparisons: Comparison[] = [];
  for (const precision of options.peers.split(',')) {
    comparisons.push(await comparison.compareWithPyTorch(precision));
  }
  return comparisons;
}

async function measure(file: string): Promise<object> {
  const [threads, rounds] = [Number(options.threads), Number(options.rounds)];
  const { python, workloads } = options;
  const checkpoint = await checkpointFolder(PRESET);
  const settings = { checkpoint, python, threads, rounds, workloads: workloads.split(',') };
  const comparison = await TextComparison.open(file, settings);
  const { precision, kernels, load } = comparison.ours;
  const comparisons = await compare(comparison);
  const encode = { peakMemoryBytes: await comparison.close() };
  return { threads, rounds, precision, kernels, load, encode, comparisons };
}

async function record(): Promise<object> {
  // Rejects unknown names before the build, which takes minutes.
  for (const name of options.workloads.split(',')) workload(name);
  const folder = mkdtempSync(join(tmpdir(), 'llm2clip-text-'));
  try {
    const { file, build } = buildInOwnProcess(folder);
    return {
      command: `npm run bench:text -- ${process.argv.slice(2).join(' ')}`.trim(),
      date: new Date().toISOString(),
      ...(options.remark === undefined ? {} : { remark: options.remark }),
      machine: await describeMachine(),
      model: `${PRESET}, synthetic weights in bf16, seed 1`,
      build,
      ...(await measure(file)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const found = await (options.build === undefined ? record() : build(options.build));
const text = JSON.stringify(found, null, 2);
if (options.out === undefined) console.log(text);
else writeFileSync(options.out, `${text}\n`);
