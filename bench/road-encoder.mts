// A contestant of bench/road.mts in a separate process. It embeds images from files with our
// engine, or with --onnx, with onnxruntime-node.
//
//   node --import tsx bench/road-encoder.mts --bundle BUNDLE --threads N [--onnx model.onnx]
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { LLM2CLIP } from 'llm2clip';
import { readVisionManifest } from '#lib/bundle/open';
import { decodeImage } from '#lib/image/index';
import { fromNative, loadNative } from '#lib/native';
import { longestHoldUp } from './peers/hold-up.mts';
import { answerRequests } from './peers/requests.mts';

interface OrtSession {
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: Float32Array }>>;
}
interface Ort {
  InferenceSession: { create(path: string, options: object): Promise<OrtSession> };
  Tensor: new (type: 'float32', data: Float32Array, dims: number[]) => unknown;
}

const { values: options } = parseArgs({
  options: { bundle: { type: 'string' }, threads: { type: 'string' }, onnx: { type: 'string' } },
});
const threads = Number(options.threads);

/** Embeds the image in a file. */
type Embed = (path: string) => Promise<Float32Array>;

/** What our engine reports about itself. */
export interface RoadInfo {
  precision: string;
  kernels: readonly string[];
}

export interface RoadTurn {
  seconds: number;
  eventLoopDelayMaxMs: number;
  embedding: number[];
}

function serveEncoder(info: object, embed: Embed): Promise<never> {
  return answerRequests({
    info: () => info,
    run: async ({ path }: { path: string }): Promise<RoadTurn> => {
      // Not timed, because the process may have been stopped before.
      const eventLoopDelayMaxMs = await longestHoldUp(() => embed(path));
      const started = performance.now();
      const embedding = await embed(path);
      const seconds = (performance.now() - started) / 1000;
      return { seconds, eventLoopDelayMaxMs, embedding: [...embedding] };
    },
  });
}

async function ourEncoder() {
  const model = await LLM2CLIP.load(options.bundle as string, { threads });
  const { precision, kernels } = model.info;
  const info = { precision, kernels } satisfies RoadInfo;
  return serveEncoder(info, (path) => model.encodeImage(path));
}

/** onnxruntime-node with our decoding and preprocessing. */
async function peerEncoder() {
  const require = createRequire(new URL('./peers/package.json', import.meta.url));
  const ort = require('onnxruntime-node') as Ort;
  const session = await ort.InferenceSession.create(options.onnx as string, {
    intraOpNumThreads: threads,
  });
  const { preprocessing } = await readVisionManifest(options.bundle as string);
  return serveEncoder({}, async (path) => {
    const image = await decodeImage(path, { maxPixels: 1e9, autoOrient: false, transfer: false });
    const pixels = await fromNative(loadNative().preprocess(image, preprocessing));
    const shape = [1, 3, preprocessing.size, preprocessing.size];
    const { embedding } = await session.run({
      pixel_values: new ort.Tensor('float32', pixels, shape),
    });
    return (embedding as { data: Float32Array }).data;
  });
}

await (options.onnx === undefined ? ourEncoder() : peerEncoder());
