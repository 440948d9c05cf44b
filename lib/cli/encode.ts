import { Command } from 'commander';
import { type EncodeAllOptions, type Encoded, encodeAll, withEncodeOptions } from './encode-all';
import { foundPictures } from './found-pictures';

async function findPictures(images: string[], signal: AbortSignal): Promise<Encoded> {
  const pictures = await foundPictures(images, signal);
  return {
    count: pictures.length,
    parts: ['vision'],
    name: (image) => ({ image }),
    stream: (model, options) => model.embedStream(pictures, { ...options, onError: 'collect' }),
  };
}

function run(bundle: string, images: string[], options: EncodeAllOptions): Promise<void> {
  return encodeAll(bundle, (signal) => findPictures(images, signal), options);
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
