// Measures the path from a checkpoint to an embedding: conversion, loading, and single images with
// the full-size EVA02-L/14@336 and synthetic weights, compared with onnxruntime-node on the same
// weights.
//
//   node --import tsx bench/road.mts [--onnx model.onnx] [--threads N] [--rounds N]
//
// bench/peers/export-onnx.py makes model.onnx, and npm ci --prefix bench/peers installs
// onnxruntime-node. Each step runs in a separate process, so that its peak memory can be measured.
// When the two encoders take turns, the waiting one is stopped.
import { spawnSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { convert, LLM2CLIP } from 'llm2clip';
import { cosine } from '#lib/eval/parity';
import { loadNative } from '#lib/native';
import { syntheticCheckpoint } from '../test/support/checkpoints.mts';
import { PeerProcess } from './peers/process.mts';
import { TurnTaking } from './peers/turn-taking.mts';
import type { RoadInfo, RoadTurn } from './road-encoder.mts';

const HERE = fileURLToPath(import.meta.url);
const ENCODER = fileURLToPath(new URL('./road-encoder.mts', import.meta.url));
const IMAGES = ['china.jpg', 'flower.jpg'].map((name) =>
  fileURLToPath(new URL(`../test/fixtures/images/${name}`, import.meta.url)),
);

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

/**
 * Runs `body` and reports its seconds, the longest time the event loop was blocked, and the peak
 * memory.
 */
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

function openEncoder(args: string[], turnTaking: TurnTaking): Promise<PeerProcess> {
  const where = ['--bundle', options.bundle as string, '--threads', String(threads)];
  const command = [process.execPath, '--import', 'tsx', ENCODER, ...where, ...args];
  return turnTaking.open(async () => {
    const encoder = new PeerProcess('road-encoder.mts', command);
    const first = { op: 'run', path: IMAGES[0] }; // the first run loads and allocates
    await encoder.ask(first);
    return encoder;
  });
}

/**
 * Encodes one image at a time. Ours and the peer take turns, and the other's process is stopped.
 */
async function encodeStep() {
  const turnTaking = new TurnTaking();
  const { onnx } = options;
  const ours = await openEncoder([], turnTaking);
  const peer = onnx === undefined ? undefined : await openEncoder(['--onnx', onnx], turnTaking);
  const turns = new Map<PeerProcess | undefined, RoadTurn[]>([
    [ours, []],
    [peer, []],
  ]);
  const order = peer === undefined ? [ours] : [ours, peer];
  for (let round = 0; round < Number(options.rounds); round++) {
    const path = IMAGES[round % IMAGES.length];
    for (const one of order) {
      await turnTaking.giveTo(one);
      const request = { op: 'run', path };
      turns.get(one)?.push(await one.ask<RoadTurn>(request));
    }
    order.reverse();
  }
  await turnTaking.giveTo(ours);
  const { precision, kernels } = await ours.ask<RoadInfo>({ op: 'info' });
  for (const one of order) await one.close();
  const own = turns.get(ours) as RoadTurn[];
  const theirs = turns.get(peer) as RoadTurn[];
  const seconds = median(own.map((turn) => turn.seconds));
  const peerSeconds = median(theirs.map((turn) => turn.seconds));
  const cosines = theirs.map(({ embedding }, i) =>
    cosine(Float32Array.from(own[i]?.embedding ?? []), Float32Array.from(embedding)),
  );
  const peerFigures = peer && {
    ...{ peerSeconds, ratio: peerSeconds / seconds, cosineToPeer: Math.min(...cosines) },
  };
  const eventLoopDelayMaxMs = Math.max(...own.map((turn) => turn.eventLoopDelayMaxMs));
  return { seconds, eventLoopDelayMaxMs, ...peerFigures, precision, kernels };
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
