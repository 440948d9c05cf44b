// A peer whose embeddings have a million numbers, more than a pipe takes at once.
import { serve } from '../../bench/peers/serve.mts';

await serve(async ({ precision }) => ({
  precision,
  versions: {},
  run: async () => new Float32Array(10_000).fill(0.123456789),
}));
