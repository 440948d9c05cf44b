import { Command } from 'commander';
import { abortable } from '../abort';
import { LLM2CLIP } from '../model';
import { interruptSignal } from './interrupt';
import { writeNpy } from './npy';
import { describeError, print, printError } from './output';
import { clearProgress, showProgress } from './progress';

interface Options {
  device: string;
  normalize: boolean;
  out?: string;
  json?: true;
}

type Outcome = { embedding: Float32Array } | { error: unknown };

/** Outcomes in the order of the images; two batches are under way at a time. */
async function* encodeInOrder(
  model: LLM2CLIP,
  images: readonly string[],
  encodeOptions: { normalize: boolean; signal: AbortSignal },
): AsyncGenerator<Outcome> {
  const underWay: Promise<Outcome>[] = [];
  let next = 0;
  while (next < images.length || underWay.length > 0) {
    while (next < images.length && underWay.length < 2 * model.info.maxBatch) {
      const encoded = model.encodeImage(images[next++] as string, encodeOptions);
      underWay.push(
        encoded.then(
          (embedding) => ({ embedding }),
          (error) => ({ error }),
        ),
      );
    }
    yield (await underWay.shift()) as Outcome;
  }
}

function show(image: string, outcome: Outcome, options: Options): void {
  if ('error' in outcome) {
    if (options.json) print({ image, error: describeError(outcome.error) });
    else printError(outcome.error);
    return;
  }
  const { embedding } = outcome;
  if (options.json) print({ image, embedding: Array.from(embedding) });
  else if (options.out === undefined) {
    const first = Array.from(embedding.subarray(0, 4), (x) => x.toFixed(4)).join(' ');
    print(`${image}\t[${embedding.length}] ${first} …`);
  }
}

async function run(bundle: string, images: string[], options: Options): Promise<void> {
  const signal = interruptSignal();
  const model = await abortable(LLM2CLIP.load(bundle, { device: options.device }), signal);
  try {
    const { embeddingDim } = model.info;
    const rows = new Float32Array(options.out === undefined ? 0 : images.length * embeddingDim);
    rows.fill(Number.NaN);
    let done = 0;
    const { normalize } = options;
    for await (const outcome of encodeInOrder(model, images, { normalize, signal })) {
      if (signal.aborted) break;
      clearProgress();
      show(images[done] as string, outcome, options);
      if ('error' in outcome) process.exitCode = 1;
      else if (options.out !== undefined) rows.set(outcome.embedding, done * embeddingDim);
      done += 1;
      showProgress(`${done} of ${images.length}`);
    }
    clearProgress();
    signal.throwIfAborted();
    if (options.out !== undefined) await writeNpy(options.out, rows, embeddingDim);
  } finally {
    // Nobody waits for a batch whose embeddings are not wanted.
    if (!signal.aborted) await model.dispose();
  }
}

/** `llm2clip encode`. */
export function encodeCommand(): Command {
  return new Command('encode')
    .description('embed pictures; one that fails is reported, the others go on')
    .argument('<bundle>', 'made by convert or import')
    .argument('<image...>', 'files, not folders')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--no-normalize', 'the raw projection, not L2-normalised')
    .option('--out <file.npy>', 'write float32 [images, dim]; the row of a failed one is NaN')
    .option('--json', 'one line of JSON an image')
    .action(run);
}
