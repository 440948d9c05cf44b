import { Command } from 'commander';
import { type EncodeAllOptions, type Encoded, encodeAll, withEncodeOptions } from './encode-all';
import { foundImages } from './found-images';

async function findImages(places: string[], signal: AbortSignal): Promise<Encoded> {
  const images = await foundImages(places, signal);
  return {
    count: images.length,
    parts: ['vision'],
    name: (image) => ({ image }),
    stream: (model, options) => model.embedStream(images, { ...options, onError: 'collect' }),
  };
}

function run(bundle: string, places: string[], options: EncodeAllOptions): Promise<void> {
  return encodeAll(bundle, (signal) => findImages(places, signal), options);
}

/** Makes the command `llm2clip encode`. */
export function encodeCommand(): Command {
  const command = new Command('encode')
    .description('embed images; an image that fails is reported and the others continue')
    .argument('<bundle>', 'bundle made by convert or import')
    .argument('<image...>', 'image files, or folders that are searched recursively');
  return withEncodeOptions(command, 'images')
    .option('--json', 'print one line of JSON per image')
    .action(run);
}
