// This project's language model as a contestant in a separate process, driven by bench/text.mts:
// node --import tsx bench/ours-text.mts
import type { NativeSession, Tokens } from '#lib/native';
import { embedAll } from '../test/support/text-towers.mts';
import { answerRequests } from './peers/requests.mts';
import { openModel } from './text-model.mts';
import { PRESET } from './text-workloads.mts';

interface Texts {
  texts: { ids: number[]; pooled: number }[];
}

let model: NativeSession | undefined;

/** The peak memory of this process so far. */
const peakMemoryBytes = () => process.resourceUsage().maxRSS * 1024;

const tokens = ({ texts }: Texts): Tokens[] =>
  texts.map(({ ids, pooled }) => ({ ids: Int32Array.from(ids), pooled }));

async function open({ model: file, threads }: { model: string; threads: number }) {
  const begin = performance.now();
  model = await openModel(file, PRESET, threads);
  const seconds = (performance.now() - begin) / 1000;
  const { precision, kernels } = model.info.llm ?? { precision: '', kernels: [] };
  const load = { seconds, peakMemoryBytes: peakMemoryBytes() };
  return { precision, versions: {}, threads, kernels, load };
}

function embed(texts: readonly Tokens[]): Promise<Float32Array[]> {
  if (model === undefined) throw new Error('expected an open model: send open first');
  return embedAll(model, texts);
}

async function run({ repeat, ...request }: Texts & { repeat: number }) {
  const texts = tokens(request);
  await embed(texts); // not timed, because the process may have been stopped before
  const seconds: number[] = [];
  for (let i = 0; i < repeat; i++) {
    const begin = performance.now();
    await embed(texts);
    seconds.push((performance.now() - begin) / 1000);
  }
  return { seconds, batch: texts.length };
}

await answerRequests({
  open,
  embed: async (request: Texts) => {
    const embeddings = await embed(tokens(request));
    return { embeddings: embeddings.map((one) => [...one]) };
  },
  run,
  memory: () => ({ peakMemoryBytes: peakMemoryBytes() }),
});
