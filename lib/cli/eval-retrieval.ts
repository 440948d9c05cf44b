import { Command, InvalidArgumentError } from 'commander';
import { evaluateRetrieval, RETRIEVAL_AT, type RetrievalResult } from '../eval/retrieval';
import { readRetrievalDataset } from '../eval/retrieval-dataset';
import { positiveInteger } from './arguments';
import { describeFailed, type EvaluationWords, evaluate, percent } from './evaluate';
import { print, printTable } from './output';

interface Options extends EvaluationWords {
  annotations?: string;
  images?: string;
  split: string;
  limit?: number;
  at: number[];
}

function ks(text: string): number[] {
  const at = text.split(',').map(Number);
  if (at.every((k) => Number.isSafeInteger(k) && k >= 1)) return at;
  throw new InvalidArgumentError('expected whole numbers of at least 1, separated by commas');
}

function show(annotations: string, result: RetrievalResult): void {
  const { at, imageToText, textToImage, images, texts, failed } = result;
  const shares = (of: readonly number[]) =>
    at.map((k, i) => `R@${k} ${percent(of[i] as number)}`).join('  ');
  printTable([
    ['dataset', `${annotations}: ${images} images, ${texts} texts`],
    ['image to text', shares(imageToText)],
    ['text to image', shares(textToImage)],
    ['failed', describeFailed(failed, images)],
  ]);
}

async function run(bundle: string, folder: string, options: Options): Promise<void> {
  const read = () => readRetrievalDataset(folder, options);
  await evaluate(bundle, options, read, async (model, dataset, work) => {
    const result = await evaluateRetrieval(model, dataset, { ...work, at: options.at });
    const { annotations } = dataset;
    if (options.json) print({ annotations, ...result });
    else show(annotations, result);
  });
}

/** Makes the command `llm2clip eval retrieval`. */
export function retrievalCommand(): Command {
  return new Command('retrieval')
    .description('measure Recall@k of finding texts by image and images by text')
    .argument('<bundle>', 'bundle with a language model, made by convert --llm')
    .argument('<folder>', 'images and their texts in a published layout; see docs/formats.md')
    .option('--annotations <file>', 'annotation file to use if the folder holds several')
    .option(
      '--images <folder>',
      'folder that the paths in the annotations start from (default: the dataset folder)',
    )
    .option('--split <split>', 'split to use if the annotations have splits', 'test')
    .option(
      '--limit <n>',
      'largest number of images to use (default: all; 1000 for ShareGPT4V)',
      positiveInteger,
    )
    .option('--at <k,...>', 'values of k to report', ks, [...RETRIEVAL_AT])
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--json', 'print a line of JSON per failed image, then one with the result')
    .action(run);
}
