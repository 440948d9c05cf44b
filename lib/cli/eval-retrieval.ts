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
  throw new InvalidArgumentError('expected whole numbers of at least 1, with commas between them');
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

/** `llm2clip eval retrieval`. */
export function retrievalCommand(): Command {
  return new Command('retrieval')
    .description('Recall@k of finding texts by pictures and pictures by texts')
    .argument('<bundle>', 'with a language model, made by convert --llm')
    .argument('<folder>', 'pictures and their texts, in a published layout; see docs/formats.md')
    .option('--annotations <file>', 'where the folder holds several')
    .option('--images <folder>', "that the annotations' paths are below (default: the dataset's)")
    .option('--split <split>', 'of annotations with splits', 'test')
    .option('--limit <n>', 'pictures, at most (default: all; of ShareGPT4V 1000)', positiveInteger)
    .option('--at <k,...>', 'what is reported', ks, [...RETRIEVAL_AT])
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--json', 'a line of JSON an image that fails, then one of the result')
    .action(run);
}
