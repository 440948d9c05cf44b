// The road from checkpoint to embedding, measured: conversion, loading and single pictures of the
// full-size EVA02-L/14@336 with synthetic weights, beside onnxruntime-node on the same weights.
//
//   node --import tsx bench/road.mts [--onnx model.onnx] [--threads N] [--rounds N]
//
// model.onnx: bench/peers/export-onnx.py; onnxruntime-node: npm ci --prefix bench/peers.
// Each step runs in a process of its own, so that its peak memory is its own.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { convert, LLM2CLIP } from 'llm2clip';
import { decodeImage } from '#lib/image';
import { loadNative } from '#lib/native';
import { syntheticCheckpoint } from '../test/support/checkpoints.mts';

const HERE = fileURLToPath(import.meta.url);
const PICTURES = ['china.jpg', 'flower.jpg'].map((name) =>
  fileURLToPath(new URL(`../test/fixtures/images/${name}`, import.meta.url)),
);

interface OrtSession {
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: Float32Array }>>;
}
interface Ort {
  InferenceSession: { create(path: string, options: object): Promise<OrtSession> };
  Tensor: new (type: 'float32', data: Float32Array, dims: number[]) => unknown;
}

const { values: options } = parseArgs({
  options: {
    step: { type: 'string' },
    checkpoint: { type: 'string' },
    bundle: { type: 'string' },
    precision: { type: 'string', default: 'fp32' },
    onnx: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '7' },
    out: { type: 'string' },
  },
});
const threads = Number(options.threads);

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** Runs `body` and reports seconds, the longest the event loop was held up, and the peak memory. */
async function measured<T>(body: () => Promise<T>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const result = await body();
  const seconds = (performance.now() - started) / 1000;
  delay.disable();
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  return { result, seconds, eventLoopDelayMaxMs: delay.max / 1e6, peakMemoryBytes };
}

async function convertStep() {
  const { result, ...figures } = await measured(() =>
    convert(options.checkpoint as string, {
      out: options.bundle as string,
      precision: options.precision as 'fp32' | 'bf16',
    }),
  );
  const fp32Bytes = result.parameters * 4;
  return { ...figures, peakMemoryOverFp32Weights: figures.peakMemoryBytes / fp32Bytes };
}

async function loadStep() {
  const { result: model, ...figures } = await measured(() =>
    LLM2CLIP.load(options.bundle as string, { threads }),
  );
  await model.dispose();
  return figures;
}

/** One picture at a time, ours and the peer's turn by turn. */
async function encodeStep() {
  const model = await LLM2CLIP.load(options.bundle as string, { threads });
  const peer = options.onnx === undefined ? undefined : await openPeer(options.onnx);
  const ours: number[] = [];
  const theirs: number[] = [];
  const delays: number[] = [];
  let cosine = 1;
  for (let round = -1; round < Number(options.rounds); round++) {
    const path = PICTURES[Math.abs(round) % PICTURES.length] as string;
    const { result: embedding, ...own } = await measured(() => model.encodeImage(path));
    const other = peer && (await measured(() => peer(path, model.info.imageSize)));
    if (round < 0) continue; // warm-up
    ours.push(own.seconds);
    delays.push(own.eventLoopDelayMaxMs);
    if (other) {
      theirs.push(other.seconds);
      cosine = Math.min(cosine, cosineOf(embedding, other.result));
    }
  }
  const info = model.info;
  await model.dispose();
  const peerFigures = peer && {
    peerSeconds: median(theirs),
    ratio: median(theirs) / median(ours),
    cosineToPeer: cosine,
  };
  return {
    seconds: median(ours),
    eventLoopDelayMaxMs: Math.max(...delays),
    ...peerFigures,
    precision: info.precision,
    kernels: info.kernels,
  };
}

/** onnxruntime-node, fed by the same decoding and preprocessing. */
async function openPeer(onnx: string) {
  const require = createRequire(new URL('./peers/package.json', import.meta.url));
  const ort = require('onnxruntime-node') as Ort;
  const session = await ort.InferenceSession.create(onnx, { intraOpNumThreads: threads });
  const manifest = JSON.parse(
    readFileSync(join(options.bundle as string, 'llm2clip.json'), 'utf8'),
  );
  return async (path: string, size: number) => {
    const image = await decodeImage(path, { maxPixels: 1e9, autoOrient: false, transfer: false });
    const pixels = await loadNative().preprocess(image, manifest.preprocessing);
    const pixel_values = new ort.Tensor('float32', pixels, [1, 3, size, size]);
    const { embedding } = await session.run({ pixel_values });
    return (embedding as { data: Float32Array }).data;
  };
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (const [i, x] of a.entries()) {
    const y = b[i] as number;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

function inOwnProcess(step: string, extra: string[]): Record<string, unknown> {
  const passed = ['--threads', String(threads), '--rounds', options.rounds];
  const child = spawnSync(
    process.execPath,
    ['--import', 'tsx', HERE, '--step', step, ...passed, ...extra],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (child.status !== 0) throw new Error(`step ${step} failed`);
  return JSON.parse(child.stdout) as Record<string, unknown>;
}

async function road() {
  const preset = 'eva02-L-14-336';
  const checkpoint = await syntheticCheckpoint({
    preset,
    layout: 'official',
    format: 'torch',
    dtype: 'f32',
    seed: 1,
  });
  const record: Record<string, unknown> = {
    command: `node --import tsx bench/road.mts ${process.argv.slice(2).join(' ')}`,
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model,
      cores: availableParallelism(),
      features: loadNative().cpuFeatures(),
      node: process.version,
    },
    model: `${preset}, synthetic weights, seed 1`,
    threads,
  };
  for (const precision of ['fp32', 'bf16']) {
    const bundle = join(tmpdir(), `llm2clip-road-${process.pid}-${precision}`);
    const place = ['--bundle', bundle, '--precision', precision];
    const onnx = options.onnx === undefined ? [] : ['--onnx', options.onnx];
    try {
      record[precision] = {
        convert: inOwnProcess('convert', [...place, '--checkpoint', checkpoint]),
        bytes: statSync(join(bundle, 'vision/1/model.pt')).size,
        load: inOwnProcess('load', place),
        encode: inOwnProcess('encode', [...place, ...onnx]),
      };
    } finally {
      rmSync(bundle, { recursive: true, force: true });
    }
  }
  return record;
}

const steps: Record<string, () => Promise<unknown>> = {
  convert: convertStep,
  load: loadStep,
  encode: encodeStep,
};
const text = JSON.stringify(await (steps[options.step ?? ''] ?? road)(), null, 2);
if (options.out === undefined) console.log(text);
else writeFileSync(options.out, `${text}\n`);
