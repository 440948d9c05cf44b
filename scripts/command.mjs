// Runs other programs for the project's scripts.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** A program that failed, with its output. */
export class CommandError extends Error {
  constructor(command, args, status, output) {
    const line = [command, ...args].join(' ');
    const short = line.length > 160 ? `${line.slice(0, 160)} …` : line;
    super(`${short} failed (${status})\n${output.trimEnd()}`);
    this.output = output;
  }
}

/**
 * Runs a program in the project's folder without showing its output. Returns the output or throws
 * CommandError.
 */
export function capture(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) =>
      reject(new CommandError(command, args, error.code, error.message)),
    );
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new CommandError(command, args, code ?? signal, output));
    });
  });
}

/** Runs a program that uses the terminal itself. Returns its exit status. */
export function attach(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Returns the path of a program on PATH, or undefined. */
export function which(name) {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
