import { once } from 'node:events';

/** One line of text, or a value as one line of JSON. */
export function print(value: object | string): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  process.stdout.write(`${text}\n`);
}

/** Resolves when whoever reads what was printed has caught up. */
export async function stdoutDrained(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/** Pairs of a name and a value, one a line, values aligned. */
export function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, value] of rows) print(`${name.padEnd(width)}${value}`);
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

export function printError(error: unknown): void {
  const { code, message } = describeError(error);
  process.stderr.write(`llm2clip: ${code}: ${message}\n`);
  if (process.env.LLM2CLIP_DEBUG) console.error(error);
}
