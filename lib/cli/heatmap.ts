import { extname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { abortable } from '../async/abort';
import { AtomicFile } from '../files/atomic-file';
import { heatMap } from '../heat-map';
import { COLOR_MAPS, type ColorMap } from '../heat-map/colors';
import { LLM2CLIP } from '../model';
import { positiveInteger } from './arguments';
import { interruptSignal } from './interrupt';
import { print } from './output';
import { shownName } from './terminal-text';

interface Options {
  text: string;
  out: string;
  overlay: boolean;
  width?: number;
  opacity?: number;
  colors: ColorMap;
  device: string;
  json?: true;
}

function pngPath(path: string): string {
  if (extname(path).toLowerCase() === '.png') return path;
  throw new InvalidArgumentError('expected a file name that ends in .png');
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('expected a number from 0 to 1');
}

async function draw(
  model: LLM2CLIP,
  path: string,
  { text, overlay, width, opacity, colors }: Options,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const [patches, embedding] = await Promise.all([
    model.encodeImage(path, { output: 'patches', signal }),
    model.encodeText(text, { signal }),
  ]);
  return heatMap(patches, embedding, {
    colors,
    ...(overlay && { image: path }),
    ...(width !== undefined && { width }),
    ...(opacity !== undefined && { opacity }),
  });
}

async function run(bundle: string, image: string, options: Options): Promise<void> {
  const signal = interruptSignal();
  const { text, out, device, json } = options;
  // If the file cannot be written, fail before the model is loaded.
  const file = await AtomicFile.create(out);
  try {
    const model = await abortable(LLM2CLIP.load(bundle, { device }), signal);
    try {
      await file.append(await draw(model, image, options, signal));
      await file.commit();
    } finally {
      if (!signal.aborted) await model.dispose();
    }
  } finally {
    await file.discard();
  }
  print(json ? { image, text, out } : `wrote ${shownName(out)}`);
}

/** Makes the command `llm2clip heatmap`. */
export function heatMapCommand(): Command {
  return new Command('heatmap')
    .description("draw where in an image a text is found; needs a bundle converted with '--llm'")
    .argument('<bundle>', 'bundle made by convert')
    .argument('<image>', 'image file')
    .requiredOption('--text <text>', 'text to look for')
    .requiredOption('--out <file>', '.png file to write', pngPath)
    .option('--no-overlay', 'draw only the map, without the image behind it')
    .option('--width <pixels>', "width of the .png (default: the image's width)", positiveInteger)
    .option(
      '--opacity <share>',
      'opacity of the map over the image, from 0 to 1 (default: 0.6)',
      share,
    )
    .addOption(new Option('--colors <map>', 'colour map').choices(COLOR_MAPS).default('turbo'))
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--json', 'print one line of JSON')
    .action(run);
}
