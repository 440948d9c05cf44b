import { Command, Option } from 'commander';
import { abortable } from '../async/abort';
import type { Classification, Classifier } from '../classify';
import { LLM2CLIP } from '../model';
import { positiveInteger } from './arguments';
import { foundImages } from './found-images';
import { interruptSignal } from './interrupt';
import { readLabels } from './label-file';
import { print, stdoutDrained } from './output';
import { clearProgress, ProgressBar } from './progress';
import { reportFailure } from './report-failure';
import { addTemplateOptions, chosenTemplates, type TemplateWords } from './templates';
import { shownName } from './terminal-text';

interface Options extends TemplateWords {
  labels?: string;
  labelsFile?: string;
  top: number;
  device: string;
  json?: true;
}

async function chosenLabels({ labels, labelsFile }: Options, command: Command): Promise<string[]> {
  if (labelsFile !== undefined) return readLabels(labelsFile);
  if (labels !== undefined) return labels.split(',').map((label) => label.trim());
  command.error("error: expected '--labels <a,b,...>' or '--labels-file <file>'");
}

function describe(found: readonly Classification[]): string {
  return found
    .map(({ label, probability }) => `${probability.toFixed(4)}\t${shownName(label)}`)
    .join('\n');
}

function show(image: string, found: readonly Classification[], { json }: Options, of: number) {
  clearProgress();
  if (json) print({ image, labels: found });
  else print(of > 1 ? `${shownName(image)}:\n${describe(found)}` : describe(found));
}

async function classifyAll(
  model: LLM2CLIP,
  classifier: Classifier,
  images: readonly string[],
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const bar = new ProgressBar(images.length);
  const results = model.embedStream(images, { signal, onError: 'collect' });
  for await (const { index, input: image, embedding, error } of results) {
    if (embedding === undefined) reportFailure(image, error, options.json ?? false);
    else {
      const found = await classifier.rank(embedding, { topK: options.top, signal });
      show(image, found, options, images.length);
    }
    await stdoutDrained();
    bar.show(index + 1);
  }
}

async function run(bundle: string, places: string[], options: Options, command: Command) {
  const signal = interruptSignal();
  const labels = await chosenLabels(options, command);
  const templates = await chosenTemplates(options);
  const images = await foundImages(places, signal);
  const model = await abortable(LLM2CLIP.load(bundle, { device: options.device }), signal);
  try {
    const bar = new ProgressBar(labels.length);
    const onProgress = (done: number) => bar.show(done);
    const classifier = await model.classifier(labels, { templates, signal, onProgress });
    await classifyAll(model, classifier, images, options, signal);
    await classifier.dispose();
  } finally {
    clearProgress();
    if (!signal.aborted) await model.dispose();
  }
}

/** Makes the command `llm2clip classify`. */
export function classifyCommand(): Command {
  const command = new Command('classify')
    .description('find the labels that fit each image best, without training (zero-shot)')
    .argument('<bundle>', 'bundle with a language model, made by convert --llm')
    .argument('<image...>', 'image files, or folders that are searched recursively')
    .option('--labels <a,b,...>', 'labels, separated by commas')
    .addOption(
      new Option(
        '--labels-file <file>',
        'file with one label per line, or a JSON array of labels',
      ).conflicts('labels'),
    );
  return addTemplateOptions(command)
    .option('--top <n>', 'number of labels to print per image', positiveInteger, 5)
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--json', 'print one line of JSON per image')
    .action(run);
}
