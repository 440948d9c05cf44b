import { type Command, Option } from 'commander';
import { resolveTemplates } from '../classify/options';
import { readLabels } from './label-file';

export interface TemplateWords {
  template?: string[];
  templatesFile?: string;
}

/** Adds `--template` and `--templates-file` to a command. */
export function addTemplateOptions(command: Command): Command {
  const collect = (text: string, before: string[] = []) => [...before, text];
  return command
    .option(
      '--template <text>',
      'prompt with {} for the label; repeat it for an ensemble (default: "a photo of a {}.")',
      collect,
    )
    .addOption(
      new Option(
        '--templates-file <file>',
        'file with one template per line, or a JSON array of templates',
      ).conflicts('template'),
    );
}

/**
 * Returns the templates of the command line, or the default one.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG); LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function chosenTemplates(words: TemplateWords): Promise<readonly string[]> {
  const { template, templatesFile } = words;
  return resolveTemplates(templatesFile === undefined ? template : await readLabels(templatesFile));
}
