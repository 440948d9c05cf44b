import { once } from 'node:events';
import { inspect } from 'node:util';
import { shownJson, shownMessage, shownName, shownText } from './terminal-text';

/**
 * One line of text, or a value as one line of JSON. A name in the text is written by shownName(),
 * which also keeps line breaks and tabs out.
 */
export function print(value: object | string): void {
  const text = typeof value === 'string' ? shownText(value) : shownJson(value);
  process.stdout.write(`${text}\n`);
}

/** Resolves when whoever reads what was printed has caught up. */
export async function stdoutDrained(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/** Pairs of a name and a value, one a line, values aligned. */
export function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, value] of rows) print(`${name.padEnd(width)}${shownName(value)}`);
}

/** What an error is called on the command line and in JSON. */
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

/** One message for people, on standard error. */
export function printNote(text: string): void {
  process.stderr.write(`llm2clip: ${shownMessage(text)}\n`);
}

export function printError(error: unknown): void {
  const { code, message } = describeError(error);
  printNote(`${code}: ${message}`);
  if (process.env.LLM2CLIP_DEBUG) process.stderr.write(`${shownText(inspect(error))}\n`);
}
