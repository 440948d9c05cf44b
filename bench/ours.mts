// This project as a contestant in a separate process, through its public API. It speaks the same
// protocol as the peers: node --import tsx bench/ours.mts
import { LLM2CLIP } from 'llm2clip';
import type { OpenOptions } from './peers/protocol.mts';
import { type PeerEngine, serve } from './peers/serve.mts';

async function open(options: OpenOptions): Promise<PeerEngine> {
  const { model: bundle, threads, precision, device, maxBatch } = options;
  const model = await LLM2CLIP.load(bundle, { threads, device, batching: { maxBatch } });
  const { storedPrecision, precision: computed, engine } = model.info;
  if (storedPrecision !== precision) {
    throw new Error(`expected a bundle in ${precision}, found ${storedPrecision} in ${bundle}`);
  }
  return {
    precision,
    versions: { [engine.kind]: engine.version, 'computes in': computed },
    run: async (pixels, shape) => {
      const [batch, ...image] = shape as [number, ...number[]];
      const length = image.reduce((product, size) => product * size, 1);
      const images = Array.from({ length: batch }, (_, i) => ({
        pixelValues: pixels.subarray(i * length, (i + 1) * length),
        shape: [1, ...image],
      }));
      const { data } = await model.encodeImages(images, { normalize: false });
      return data;
    },
  };
}

await serve(open);
