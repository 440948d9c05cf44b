// The common part of encode and encode-text: it prints and writes each result as it arrives.
import type { Command } from 'commander';
import { abortable } from '../async/abort';
import { AtomicFile } from '../files/atomic-file';
import { LLM2CLIP } from '../model';
import type { Streamed } from '../model/stream';
import type { Part } from '../parts';
import { embeddingPath, embeddingWriter } from './embedding-file';
import { interruptSignal } from './interrupt';
import { describeOutcome, type Outcome } from './outcome';
import { print, printError, stdoutDrained } from './output';
import { clearProgress, ProgressBar } from './progress';
import { shownName } from './terminal-text';

export interface EncodeAllOptions {
  device: string;
  normalize: boolean;
  out?: string;
  json?: true;
}

/** The images or texts to encode. */
export interface Encoded {
  count: number;
  /** Parts of the bundle that encoding needs. */
  parts: readonly Part[];
  /** Describes an input in the JSON output. */
  name: (input: string) => Outcome['of'];
  stream: (
    model: LLM2CLIP,
    options: { normalize: boolean; signal: AbortSignal },
  ) => AsyncIterable<Streamed<string, Float32Array>>;
}

/** Adds the options that both commands share. */
export function withEncodeOptions(command: Command, rows: string): Command {
  return command
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--no-normalize', 'print the raw projection without L2 normalisation')
    .option(
      '--out <file>',
      `write a .npy file, float32 [${rows}, dim] with NaN rows for failures, or a .jsonl file`,
      embeddingPath,
    );
}

function show(outcome: Outcome, input: string, { json, out }: EncodeAllOptions): void {
  const { embedding, error } = outcome;
  if (!json && embedding !== undefined && out !== undefined) return;
  clearProgress();
  if (json) print(describeOutcome(outcome));
  else if (embedding === undefined) printError(error);
  else {
    const first = Array.from(embedding.subarray(0, 4), (x) => x.toFixed(4)).join(' ');
    print(`${shownName(input)}\t[${embedding.length}] ${first} …`);
  }
}

/** Encodes the inputs in order. A slow reader of stdout or a slow disk slows the encoding down. */
async function encodeInto(
  model: LLM2CLIP,
  { count, name, stream }: Encoded,
  options: EncodeAllOptions,
  file: AtomicFile | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { normalize } = options;
  const writer = file && embeddingWriter(options.out as string, file, model.info.embeddingDim);
  const bar = new ProgressBar(count);
  for await (const { index, input, embedding, error } of stream(model, { normalize, signal })) {
    signal.throwIfAborted();
    const outcome: Outcome = { of: name(input), embedding, error };
    if (embedding === undefined) process.exitCode = 1;
    show(outcome, input, options);
    await Promise.all([stdoutDrained(), writer?.write(outcome)]);
    bar.show(index + 1);
  }
  await writer?.end();
}

/**
 * Encodes everything that `find` returns.
 *
 * @param find Finds the inputs; it runs before the model is loaded.
 */
export async function encodeAll(
  bundle: string,
  find: (signal: AbortSignal) => Promise<Encoded>,
  options: EncodeAllOptions,
): Promise<void> {
  const signal = interruptSignal();
  const encoded = await find(signal);
  // If the file cannot be written, fail before any embedding is computed.
  const file = options.out === undefined ? undefined : await AtomicFile.create(options.out);
  try {
    const { device } = options;
    const { parts } = encoded;
    const model = await abortable(LLM2CLIP.load(bundle, { device, parts }), signal);
    try {
      await encodeInto(model, encoded, options, file, signal);
    } finally {
      clearProgress();
      // After Ctrl-C nobody needs the running batch, so the process does not wait for it.
      if (!signal.aborted) await model.dispose();
    }
  } finally {
    await file?.discard();
  }
}
