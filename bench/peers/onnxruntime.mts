// The peer onnxruntime-node: node --import tsx bench/peers/onnxruntime.mts
import { createRequire } from 'node:module';
import type { OpenOptions } from './protocol.mts';
import { type PeerEngine, serve } from './serve.mts';

interface OrtSession {
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: Float32Array }>>;
}
interface Ort {
  InferenceSession: { create(path: string, options: object): Promise<OrtSession> };
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => unknown;
}

/** int8 needs a file from quantize-onnx.py, because onnxruntime uses the precision of the file. */
const PRECISIONS = ['fp32', 'int8'];

async function open({ model, threads, precision, device }: OpenOptions): Promise<PeerEngine> {
  const require = createRequire(new URL('./package.json', import.meta.url));
  const ort = require('onnxruntime-node') as Ort;
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  if (!PRECISIONS.includes(precision)) {
    throw new Error(`expected one of ${PRECISIONS.join(', ')}, received ${precision}`);
  }
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [device],
    intraOpNumThreads: threads,
  });
  return {
    precision,
    versions: { 'onnxruntime-node': version },
    run: async (pixels, shape) => {
      const pixel_values = new ort.Tensor('float32', pixels, shape);
      const { embedding } = await session.run({ pixel_values });
      return (embedding as { data: Float32Array }).data;
    },
  };
}

await serve(open);
