import { Command } from 'commander';
import { streamInOrder } from '../model/stream';
import { TEXT_PARTS } from '../parts';
import { type EncodeAllOptions, type Encoded, encodeAll, withEncodeOptions } from './encode-all';
import { readTexts } from './text-file';

/** Texts taken and not yet shown: more than one run of the language model takes. */
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

/** `llm2clip encode-text`. */
export function encodeTextCommand(): Command {
  const command = new Command('encode-text')
    .description("embed texts into the space of pictures; needs a bundle converted with '--llm'")
    .argument('<bundle>', 'made by convert')
    .argument('[text...]', 'texts');
  return withEncodeOptions(command, 'texts')
    .option('--file <file>', 'more of them: a text a line, or a JSON array of strings')
    .option('--json', 'one line of JSON a text')
    .action(run);
}
