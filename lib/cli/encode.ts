import { Command } from 'commander';
import { listPictures } from '../image/folder';
import { type EncodeAllOptions, type Encoded, encodeAll, withEncodeOptions } from './encode-all';

async function findPictures(images: string[]): Promise<Encoded> {
  const pictures = await listPictures(images);
  return {
    count: pictures.length,
    parts: ['vision'],
    name: (image) => ({ image }),
    stream: (model, options) => model.embedStream(pictures, { ...options, onError: 'collect' }),
  };
}

function run(bundle: string, images: string[], options: EncodeAllOptions): Promise<void> {
  return encodeAll(bundle, () => findPictures(images), options);
}

/** `llm2clip encode`. */
export function encodeCommand(): Command {
  const command = new Command('encode')
    .description('embed pictures; one that fails is reported, the others go on')
    .argument('<bundle>', 'made by convert or import')
    .argument('<image...>', 'files, or folders: all pictures in them and below');
  return withEncodeOptions(command, 'images')
    .option('--json', 'one line of JSON an image')
    .action(run);
}
