import { once } from 'node:events';
import { inspect } from 'node:util';
import { shownJson, shownMessage, shownName, shownText } from './terminal-text';

/**
 * Prints a text, or a value as one line of JSON. Pass file names in a text through shownName(),
 * which also escapes line breaks and tabs.
 */
export function print(value: object | string): void {
  const text = typeof value === 'string' ? shownText(value) : shownJson(value);
  process.stdout.write(`${text}\n`);
}

/** Resolves when the reader of stdout has caught up. */
export async function stdoutDrained(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/** Prints one pair of name and value per line, with the values aligned. */
export function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, value] of rows) print(`${name.padEnd(width)}${shownName(value)}`);
}

/** An error as the command line and the JSON output show it. */
export interface ErrorReport {
  code: string;
  message: string;
}

export function describeError(error: unknown): ErrorReport {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : 'ERR_INTERNAL',
    message: typeof message === 'string' ? message : String(error),
  };
}

/** Prints a message for people to stderr. */
export function printNote(text: string): void {
  process.stderr.write(`llm2clip: ${shownMessage(text)}\n`);
}

export function printError(error: unknown): void {
  const { code, message } = describeError(error);
  printNote(`${code}: ${message}`);
  if (process.env.LLM2CLIP_DEBUG) process.stderr.write(`${shownText(inspect(error))}\n`);
}
