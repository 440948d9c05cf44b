import { Command } from 'commander';
import { abortable } from '../abort';
import { AtomicFile } from '../atomic-file';
import { listPictures } from '../image/folder';
import { LLM2CLIP } from '../model';
import { embeddingPath, embeddingWriter } from './embedding-file';
import { interruptSignal } from './interrupt';
import { describeOutcome, type EmbeddingWriter, type Outcome } from './outcome';
import { print, printError, stdoutDrained } from './output';
import { clearProgress, ProgressBar } from './progress';

interface Options {
  device: string;
  normalize: boolean;
  out?: string;
  json?: true;
}

function show(outcome: Outcome, { json, out }: Options): void {
  const { image, embedding, error } = outcome;
  if (!json && embedding !== undefined && out !== undefined) return;
  clearProgress();
  if (json) print(describeOutcome(outcome));
  else if (embedding === undefined) printError(error);
  else {
    const first = Array.from(embedding.subarray(0, 4), (x) => x.toFixed(4)).join(' ');
    print(`${image}\t[${embedding.length}] ${first} …`);
  }
}

/** Encodes them in order; whoever reads what is shown, or writes it, holds the pictures back. */
async function encodeAll(
  model: LLM2CLIP,
  pictures: readonly string[],
  options: Options,
  writer: EmbeddingWriter | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { normalize } = options;
  const bar = new ProgressBar(pictures.length);
  const results = model.embedStream(pictures, { normalize, signal, onError: 'collect' });
  for await (const { index, input: image, embedding, error } of results) {
    const outcome = { image, embedding, error };
    if (embedding === undefined) process.exitCode = 1;
    show(outcome, options);
    await Promise.all([stdoutDrained(), writer?.write(outcome)]);
    bar.show(index + 1);
  }
}

async function run(bundle: string, images: string[], options: Options): Promise<void> {
  const signal = interruptSignal();
  const pictures = await listPictures(images);
  // What cannot be written should not be computed first.
  const file = options.out === undefined ? undefined : await AtomicFile.create(options.out);
  try {
    const model = await abortable(LLM2CLIP.load(bundle, { device: options.device }), signal);
    try {
      const { embeddingDim } = model.info;
      const writer = file && embeddingWriter(options.out as string, file, embeddingDim);
      await encodeAll(model, pictures, options, writer, signal);
      await writer?.end();
    } finally {
      clearProgress();
      // Nobody waits for a batch whose embeddings are not wanted.
      if (!signal.aborted) await model.dispose();
    }
  } finally {
    await file?.discard();
  }
}

/** `llm2clip encode`. */
export function encodeCommand(): Command {
  return new Command('encode')
    .description('embed pictures; one that fails is reported, the others go on')
    .argument('<bundle>', 'made by convert or import')
    .argument('<image...>', 'files, or folders: all pictures in them and below')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--no-normalize', 'the raw projection, not L2-normalised')
    .option(
      '--out <file>',
      'write .npy, float32 [images, dim] where the row of a failed one is NaN, or .jsonl',
      embeddingPath,
    )
    .option('--json', 'one line of JSON an image')
    .action(run);
}
