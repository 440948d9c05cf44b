// Who is compared: this project's engines, and the peers, each of which runs in a process of its own
// (bench/peers).
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LLM2CLIP } from 'llm2clip';
import type { Models } from './models.mts';
import { Peer, type PeerSpec } from './peers/peer.mts';

/** Preprocessed pictures in a file: float32 [count, 3, S, S]. */
export interface PixelFile {
  path: string;
  count: number;
  imageSize: number;
}

export interface Turn {
  /** First picture, of those in the file; wraps round. */
  offset: number;
  batch: number;
  repeat: number;
}

export interface Timing {
  seconds: number[];
  eventLoopDelayMaxMs: number | null;
}

/** One engine that can be timed, and asked for embeddings. */
export interface Runner {
  name: string;
  precision: string;
  versions: Record<string, string>;
  run(turn: Turn): Promise<Timing>;
  /** Raw embeddings of the first pictures. */
  embed(count: number): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** As the peers wait, before they read the monitor. */
const MONITOR_MS = 5;

/** This project, through its public API in this process. */
export async function openOurs(
  bundle: string,
  threads: number,
  maxBatch: number,
  pixels: PixelFile,
): Promise<Runner> {
  const model = await LLM2CLIP.load(bundle, { threads, batching: { maxBatch } });
  const { imageSize, precision, storedPrecision, engine } = model.info;
  const bytes = await readFile(pixels.path);
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const length = 3 * imageSize * imageSize;
  const picture = (i: number) => ({
    pixelValues: all.subarray((i % pixels.count) * length, ((i % pixels.count) + 1) * length),
    shape: [1, 3, imageSize, imageSize],
  });
  return {
    name: `llm2clip ${storedPrecision}`,
    precision: storedPrecision,
    versions: { libtorch: engine.version, 'computes in': precision },
    async run({ offset, batch, repeat }) {
      const pictures = Array.from({ length: batch }, (_, i) => picture(offset + i));
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const seconds: number[] = [];
      for (let i = 0; i < repeat; i++) {
        const begin = performance.now();
        await model.encodeImages(pictures, { normalize: false });
        seconds.push((performance.now() - begin) / 1000);
      }
      await sleep(MONITOR_MS); // a hold-up is seen when the next tick comes
      delay.disable();
      return { seconds, eventLoopDelayMaxMs: delay.max / 1e6 };
    },
    embed: (count) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          model.encodeImage(picture(i), { normalize: false }),
        ),
      ),
    close: () => model.dispose(),
  };
}

/** The peers that can be had, in the order in which they run. */
export function peersOf(models: Models, python: string, settings: PeerSpec['open']): PeerSpec[] {
  const node = (script: string) => [
    process.execPath,
    '--import',
    'tsx',
    fileURLToPath(new URL(`./peers/${script}`, import.meta.url)),
  ];
  const snake = (module: string) => [
    python,
    fileURLToPath(new URL('./peers/peer.py', import.meta.url)),
    module,
  ];
  const spec = (name: string, command: string[], model: string | null, precision: string) => ({
    name: `${name} ${precision}`,
    command,
    open: { ...settings, model: model ?? '', precision },
  });
  const { onnx, onnxInt8, checkpoint } = models;
  const half = settings.device === 'cuda' ? 'fp16' : 'bf16';
  return [
    spec('onnxruntime-node', node('onnxruntime.mts'), onnx, 'fp32'),
    spec('onnxruntime-node', node('onnxruntime.mts'), onnxInt8, 'int8'),
    spec('transformers.js', node('transformers.mts'), onnx, 'fp32'),
    ...['fp32', 'bf16', 'int8'].map((p) => spec('OpenVINO', snake('openvino'), onnx, p)),
    ...['fp32', half].map((p) => spec('PyTorch', snake('pytorch'), checkpoint, p)),
    ...['fp32', half].map((p) => spec('torch.compile', snake('torch-compile'), checkpoint, p)),
  ];
}

/** Starts a peer. PeerMissing where it is not installed, PeerFailed. */
export async function openPeer(spec: PeerSpec, pixels: PixelFile): Promise<Runner> {
  const peer = await Peer.start(spec);
  return {
    name: spec.name,
    precision: peer.precision,
    versions: peer.versions,
    run: (turn) => peer.run({ pixels: pixels.path, ...turn }),
    embed: (count) => peer.embed(pixels.path, count),
    close: () => peer.close(),
  };
}
