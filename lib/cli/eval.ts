import { Command } from 'commander';
import { retrievalCommand } from './eval-retrieval';
import { zeroShotCommand } from './eval-zeroshot';

/** Makes the command `llm2clip eval retrieval|zeroshot`. */
export function evalCommand(): Command {
  return new Command('eval')
    .description('measure the quality of a bundle on a dataset with the metrics of LLM2CLIP')
    .addCommand(retrievalCommand())
    .addCommand(zeroShotCommand());
}
