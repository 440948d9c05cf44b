#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../package-version';
import { benchCommand } from './bench';
import { classifyCommand } from './classify';
import { commandArguments } from './command-arguments';
import { convertCommand } from './convert';
import { encodeCommand } from './encode';
import { encodeTextCommand } from './encode-text';
import { evalCommand } from './eval';
import { heatMapCommand } from './heatmap';
import { importCommand } from './import';
import { indexCommand } from './index-images';
import { inspectCommand } from './inspect';
import { INTERRUPTED, Interrupted } from './interrupt';
import { describeError, print, printError } from './output';
import { runtimeCommand } from './runtime';
import { searchCommand } from './search';
import { shownText } from './terminal-text';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

function program(): Command {
  const root = new Command('llm2clip')
    .description('LLM2CLIP embeddings: convert checkpoints, encode images and texts, search them')
    .version(packageVersion())
    .enablePositionalOptions() // Options after a command's name belong to that command.
    .addCommand(runtimeCommand())
    .addCommand(convertCommand())
    .addCommand(importCommand())
    .addCommand(encodeCommand())
    .addCommand(encodeTextCommand())
    .addCommand(classifyCommand())
    .addCommand(heatMapCommand())
    .addCommand(indexCommand())
    .addCommand(searchCommand())
    .addCommand(evalCommand())
    .addCommand(inspectCommand())
    .addCommand(benchCommand());
  throwInsteadOfExit(root);
  return root;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride().showHelpAfterError('(run with --help for more)');
  // Commander repeats unknown arguments in its messages; shownText escapes their control
  // characters.
  command.configureOutput({ writeErr: (text) => process.stderr.write(shownText(text)) });
  for (const child of command.commands) throwInsteadOfExit(child);
}

function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  if (error instanceof Interrupted) return INTERRUPTED;
  // Commander accepts any --device; only the library refuses e.g. --device toaster.
  return describeError(error).code === 'ERR_INVALID_ARG' ? WRONG_USAGE : FAILED;
}

async function main(): Promise<void> {
  process.stderr.on('error', () => {}); // There is no stream left to report this error on.
  // It is not a failure if the reader closes the pipe early, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? DONE : FAILED);
  });
  try {
    await program().parseAsync(commandArguments(), { from: 'user' });
  } catch (error) {
    process.exitCode = exitCode(error);
    if (error instanceof CommanderError) return; // Commander has already printed it.
    printError(error);
    if (process.argv.includes('--json')) print({ error: describeError(error) });
    // Temporary files are deleted by now, so do not wait for native threads that still run.
    if (error instanceof Interrupted) process.exit(INTERRUPTED);
  }
}

void main();
