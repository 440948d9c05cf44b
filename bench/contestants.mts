// Who is compared: this project's engines and the peers, each in a process of its own (bench/peers).
import { fileURLToPath } from 'node:url';
import type { Models } from './models.mts';
import { Peer, type PeerSpec } from './peers/peer.mts';
import type { RunOptions, Timing } from './peers/protocol.mts';
import type { Stoppable } from './peers/turn-taking.mts';

/** Preprocessed pictures in a file: float32 [count, 3, S, S]. */
export interface PixelFile {
  path: string;
  count: number;
  imageSize: number;
}

/** Pictures of the file from `offset` on, round past its end. */
export type Turn = Omit<RunOptions, 'pixels'>;

/** One engine that can be timed, and asked for embeddings. */
export interface Runner extends Stoppable {
  /** What really runs. */
  precision: string;
  versions: Readonly<Record<string, string>>;
  run(turn: Turn): Promise<Timing>;
  /** Raw embeddings of the first pictures. */
  embed(count: number): Promise<Float32Array[]>;
  /** The most that it has had so far; null where the system does not tell. */
  peakMemoryBytes(): number | null;
  close(): Promise<void>;
}

const node = (script: string) => [
  process.execPath,
  '--import',
  'tsx',
  fileURLToPath(new URL(script, import.meta.url)),
];

/** This project in each precision that there is a bundle of. */
export function oursOf({ bundles }: Models, settings: PeerSpec['open']): PeerSpec[] {
  return Object.entries(bundles).map(([precision, model]) => ({
    name: `llm2clip ${precision}`,
    command: node('ours.mts'),
    open: { ...settings, model, precision },
  }));
}

/** The peers that can be had, in the order in which they run. */
export function peersOf(models: Models, python: string, settings: PeerSpec['open']): PeerSpec[] {
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
    spec('onnxruntime-node', node('peers/onnxruntime.mts'), onnx, 'fp32'),
    spec('onnxruntime-node', node('peers/onnxruntime.mts'), onnxInt8, 'int8'),
    spec('transformers.js', node('peers/transformers.mts'), onnx, 'fp32'),
    ...['fp32', 'bf16', 'int8'].map((p) => spec('OpenVINO', snake('openvino'), onnx, p)),
    ...['fp32', half].map((p) => spec('PyTorch', snake('pytorch'), checkpoint, p)),
    ...['fp32', half].map((p) => spec('torch.compile', snake('torch-compile'), checkpoint, p)),
  ];
}

/** Starts a contestant, which ends when `signal` aborts. PeerMissing where it is not installed, PeerFailed. */
export async function openRunner(
  spec: PeerSpec,
  pixels: PixelFile,
  signal: AbortSignal,
): Promise<Runner> {
  const peer = await Peer.start(spec, signal);
  return {
    precision: peer.precision,
    versions: peer.versions,
    run: (turn) => peer.run({ pixels: pixels.path, ...turn }),
    embed: (count) => peer.embed(pixels.path, count),
    stop: () => peer.stop(),
    resume: () => peer.resume(),
    peakMemoryBytes: () => peer.peakMemoryBytes(),
    close: () => peer.close(),
  };
}
