// The contestants: this project's engines and the peers. Each runs in a separate process
// (bench/peers).
import { fileURLToPath } from 'node:url';
import type { Bundles, Models } from './models.mts';
import { Peer, type PeerSpec } from './peers/peer.mts';
import type { RunOptions, Timing } from './peers/protocol.mts';
import type { Stoppable } from './peers/turn-taking.mts';

/** A file of preprocessed images: float32 [count, 3, S, S]. */
export interface PixelFile {
  path: string;
  count: number;
  imageSize: number;
}

/** Runs images of the file, from `offset` on. After the last image it continues with the first. */
export type Turn = Omit<RunOptions, 'pixels'>;

/** An engine that can be timed and can return embeddings. */
export interface Runner extends Stoppable {
  /** The precision that the engine really uses. */
  precision: string;
  versions: Readonly<Record<string, string>>;
  run(turn: Turn): Promise<Timing>;
  /** The raw embeddings of the first images. */
  embed(count: number): Promise<Float32Array[]>;
  /** The peak memory so far, or null if the system does not report it. */
  peakMemoryBytes(): number | null;
  close(): Promise<void>;
}

const node = (script: string) => [
  process.execPath,
  '--import',
  'tsx',
  fileURLToPath(new URL(script, import.meta.url)),
];

/**
 * This project in each precision for which there is a bundle.
 *
 * @param name the beginning of the contestants' names
 */
export function oursOf(
  bundles: Bundles,
  settings: PeerSpec['open'],
  name = 'llm2clip',
): PeerSpec[] {
  return Object.entries(bundles).map(([precision, model]) => ({
    name: `${name} ${precision}`,
    command: node('ours.mts'),
    open: { ...settings, model, precision },
  }));
}

/** The available peers, in the order in which they run. */
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

/**
 * Starts a contestant. It ends when `signal` aborts. Throws PeerMissing if it is not installed, and
 * PeerFailed.
 */
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
