import { Command } from 'commander';
import { streamInOrder } from '../model/stream';
import { TEXT_PARTS } from '../parts';
import { type EncodeAllOptions, type Encoded, encodeAll, withEncodeOptions } from './encode-all';
import { readTexts } from './text-file';

/**
 * Number of texts submitted ahead of the one being printed; larger than one batch of the language
 * model.
 */
const READ_AHEAD = 256;

interface Options extends EncodeAllOptions {
  file?: string;
}

async function findTexts(given: readonly string[], file: string | undefined): Promise<Encoded> {
  const texts = [...given, ...(file === undefined ? [] : await readTexts(file))];
  return {
    count: texts.length,
    parts: TEXT_PARTS,
    name: (text) => ({ text }),
    stream: (model, options) =>
      streamInOrder(texts, READ_AHEAD, (text) => model.encodeText(text, options)),
  };
}

async function run(bundle: string, texts: string[], options: Options, command: Command) {
  if (texts.length === 0 && options.file === undefined) {
    command.error("error: expected a text or '--file <file>'");
  }
  await encodeAll(bundle, () => findTexts(texts, options.file), options);
}

/** Makes the command `llm2clip encode-text`. */
export function encodeTextCommand(): Command {
  const command = new Command('encode-text')
    .description("embed texts into the same space as images; needs a bundle converted with '--llm'")
    .argument('<bundle>', 'bundle made by convert')
    .argument('[text...]', 'texts to embed');
  return withEncodeOptions(command, 'texts')
    .option('--file <file>', 'file with more texts: one per line, or a JSON array of strings')
    .option('--json', 'print one line of JSON per text')
    .action(run);
}
