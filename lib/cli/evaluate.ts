import { abortable } from '../async/abort';
import type { EvaluationOptions } from '../eval/embed-images';
import { LLM2CLIP } from '../model';
import { interruptSignal } from './interrupt';
import { clearProgress, ProgressBar } from './progress';
import { reportFailure } from './report-failure';

export interface EvaluationWords {
  device: string;
  json?: true;
}

/** Formats a fraction as a percentage: 0.94712 becomes "94.7". */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** Returns a text such as "3 of 1000, which count as misses", or "none". */
export function describeFailed(failed: number, images: number): string {
  return failed === 0 ? 'none' : `${failed} of ${images}, which count as misses`;
}

/**
 * Reads the dataset, loads the bundle and runs `body`. Failed images are reported as by `encode`.
 */
export async function evaluate<Dataset, Result>(
  bundle: string,
  { device, json }: EvaluationWords,
  read: (signal: AbortSignal) => Promise<Dataset>,
  body: (model: LLM2CLIP, dataset: Dataset, options: EvaluationOptions) => Promise<Result>,
): Promise<Result> {
  const signal = interruptSignal();
  const dataset = await read(signal); // A faulty dataset fails before the model is loaded.
  const model = await abortable(LLM2CLIP.load(bundle, { device }), signal);
  let bar: ProgressBar | undefined;
  try {
    return await body(model, dataset, {
      signal,
      onProgress: (done, total) => {
        bar ??= new ProgressBar(total);
        bar.show(done);
      },
      onFailure: (image, error) => reportFailure(image, error, json ?? false),
    });
  } finally {
    clearProgress();
    if (!signal.aborted) await model.dispose();
  }
}
