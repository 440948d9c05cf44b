import { type Command, Option } from 'commander';
import { resolveTemplates } from '../classify/options';
import { readLabels } from './label-file';

export interface TemplateWords {
  template?: string[];
  templatesFile?: string;
}

/** `--template` and `--templates-file`. */
export function addTemplateOptions(command: Command): Command {
  const collect = (text: string, before: string[] = []) => [...before, text];
  return command
    .option(
      '--template <text>',
      'with {} where the label goes; several make an ensemble (default: "a photo of a {}.")',
      collect,
    )
    .addOption(
      new Option('--templates-file <file>', 'one a line, or a JSON array').conflicts('template'),
    );
}

/** @throws TypeError, RangeError (ERR_INVALID_ARG); LLM2CLIPError ERR_NOT_FOUND, ERR_IO */
export async function chosenTemplates(words: TemplateWords): Promise<readonly string[]> {
  const { template, templatesFile } = words;
  return resolveTemplates(templatesFile === undefined ? template : await readLabels(templatesFile));
}
