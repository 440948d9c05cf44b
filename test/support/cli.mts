import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Path of the compiled command. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The result of a run of `llm2clip`. */
export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Parses each line of stdout as JSON. */
  json(): unknown[];
}

export function llm2clip(...args: string[]): Promise<CliResult> {
  return run(args, {});
}

/** @param main path of the compiled command in another copy of the package */
export function run(args: string[], env: Record<string, string>, main = MAIN): Promise<CliResult> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const json = () =>
        stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown);
      resolve({ code, stdout, stderr, json });
    });
  });
}
