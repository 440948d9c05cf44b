import { Command } from 'commander';
import { type Accuracy, evaluateZeroShot } from '../eval/accuracy';
import { readClassFolders } from '../eval/class-folders';
import { describeFailed, type EvaluationWords, evaluate, percent } from './evaluate';
import { printLeftOut } from './found-images';
import { readClassnames } from './label-file';
import { print, printTable } from './output';
import { addTemplateOptions, chosenTemplates, type TemplateWords } from './templates';

interface Options extends EvaluationWords, TemplateWords {
  classnames?: string;
}

function show({ images, classes, templates, failed, top1, top5 }: Accuracy): void {
  printTable([
    ['dataset', `${images} images of ${classes} classes`],
    ['templates', String(templates)],
    ['top-1', percent(top1)],
    ['top-5', percent(top5)],
    ['failed', describeFailed(failed, images)],
  ]);
}

async function run(bundle: string, folder: string, options: Options): Promise<void> {
  const templates = await chosenTemplates(options);
  const { classnames } = options;
  const read = async (signal: AbortSignal) => {
    const names = classnames === undefined ? undefined : await readClassnames(classnames);
    const dataset = await readClassFolders(folder, names, signal);
    printLeftOut(dataset.leftOut);
    return dataset;
  };
  await evaluate(bundle, options, read, async (model, dataset, work) => {
    const result = await evaluateZeroShot(model, dataset, templates, work);
    if (options.json) print({ folder, ...result });
    else show(result);
  });
}

/** Makes the command `llm2clip eval zeroshot`. */
export function zeroShotCommand(): Command {
  const command = new Command('zeroshot')
    .description('measure top-1 and top-5 accuracy of zero-shot classification')
    .argument('<bundle>', 'bundle with a language model, made by convert --llm')
    .argument('<folder>', 'folder with one folder of images per class')
    .option(
      '--classnames <file>',
      'class names: one per line in the order of the folders, a JSON array, or a JSON object with folder names as keys (default: the folder names)',
    );
  return addTemplateOptions(command)
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--json', 'print a line of JSON per failed image, then one with the result')
    .action(run);
}
