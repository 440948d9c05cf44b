import { Command } from 'commander';
import { retrievalCommand } from './eval-retrieval';
import { zeroShotCommand } from './eval-zeroshot';

/** `llm2clip eval retrieval|zeroshot`. */
export function evalCommand(): Command {
  return new Command('eval')
    .description('say how good a bundle is, on a dataset, as LLM2CLIP is reported')
    .addCommand(retrievalCommand())
    .addCommand(zeroShotCommand());
}
