import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LLM2CLIPError } from '../errors';
import { openRegularFile } from '../files/regular-file';
import type { WheelPin } from './pins';
import { fileSize } from './record';

/** Number of lines of pip's output to repeat in an error. */
const LAST_LINES = 4;
const PROGRESS_EVERY_MS = 250;

/** ENOSPC, EFBIG and EDQUOT in Python's messages. */
const DISK_FULL = /\[Errno (28|27|122)\]/;

/**
 * Python program that runs pip in isolated mode, so that it imports nothing from the current folder
 * or from PYTHONPATH, which others may be able to write. A pip in the user's own site-packages is
 * still found.
 */
const PIP = [
  'import runpy, site, sys',
  'sys.path.append(site.getusersitepackages())',
  'runpy.run_module("pip", run_name="__main__", alter_sys=True)',
].join('; ');

/** Keeps pip from asking questions or requiring a virtualenv. Other settings remain the user's. */
const PIP_ENVIRONMENT = {
  PIP_REQUIRE_VIRTUALENV: '0',
  PIP_NO_INPUT: '1',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
};

/**
 * Downloads a wheel with pip, from the index that the user's pip is configured for, and checks its
 * digest. pip writes only to `folder`.
 *
 * @param command Command that an error suggests to try again.
 * @throws LLM2CLIPError ERR_INSTALL_FAILED
 */
export async function downloadWheel(
  pin: WheelPin,
  folder: string,
  command: string,
  onBytes: (bytes: number) => void,
): Promise<string> {
  // pip downloads into its temporary folder first, and /tmp is often too small.
  const temporary = join(folder, 'tmp');
  await mkdir(temporary, { recursive: true });
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, `${pin.package}==${pin.version} --hash=sha256:${pin.sha256}\n`);
  const timer = setInterval(() => void folderSize(folder).then(onBytes), PROGRESS_EVERY_MS);
  try {
    await runPip(pin, requirements, folder, command, temporary);
  } finally {
    clearInterval(timer);
  }
  const wheel = await findWheel(folder, command);
  await verify(pin, wheel, command);
  return wheel;
}

async function runPip(
  pin: WheelPin,
  requirements: string,
  folder: string,
  command: string,
  temporary: string,
) {
  const args = ['-I', '-c', PIP, 'download', '--no-deps'];
  args.push('--only-binary=:all:', '--require-hashes');
  args.push('--python-version', '3.12', '--implementation', 'cp', '--platform', pin.platform);
  args.push('--no-cache-dir', '--progress-bar', 'off', '-d', folder, '-r', requirements);
  const env = { ...process.env, ...PIP_ENVIRONMENT, TMPDIR: temporary };
  const child = spawn('python3', args, {
    cwd: temporary,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-8192);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', (cause) => reject(pythonMissing(command, cause)));
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (status !== 0) throw pipFailed(pin, command, status, output);
}

function pythonMissing(command: string, cause: Error): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_INSTALL_FAILED',
    `expected python3 with pip on PATH, found none; install Python 3.9 or newer with pip, then run: ${command}`,
    { cause },
  );
}

function pipFailed(
  pin: WheelPin,
  command: string,
  status: number | string,
  output: string,
): LLM2CLIPError {
  if (DISK_FULL.test(output)) {
    const message = `cannot write what pip fetches: the disk is full; free some and run: ${command}`;
    return new LLM2CLIPError('ERR_IO', message);
  }
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return new LLM2CLIPError(
    'ERR_INSTALL_FAILED',
    `pip could not fetch ${pin.package} ${pin.version} (exit ${status}); try again with: ${command}\n` +
      lines
        .slice(-LAST_LINES)
        .map((line) => `  pip: ${line.trim()}`)
        .join('\n'),
  );
}

async function findWheel(folder: string, command: string): Promise<string> {
  const wheels = (await readdir(folder)).filter((name) => name.endsWith('.whl'));
  const [wheel] = wheels;
  if (wheel && wheels.length === 1) return join(folder, wheel);
  throw new LLM2CLIPError(
    'ERR_INSTALL_FAILED',
    `expected one wheel from pip, found ${wheels.length}; try again with: ${command}`,
  );
}

async function verify(pin: WheelPin, wheel: string, command: string): Promise<void> {
  const hash = createHash('sha256');
  const file = await openRegularFile(wheel, 'a wheel');
  await pipeline(file.createReadStream({ highWaterMark: 1 << 20 }), hash);
  const found = hash.digest('hex');
  if (found === pin.sha256) return;
  throw new LLM2CLIPError(
    'ERR_INSTALL_FAILED',
    `expected ${pin.package} ${pin.version} with sha256 ${pin.sha256}, found ${found}; try again with: ${command}`,
  );
}

/**
 * Returns the total size of the files in `folder`, recursively. Files that vanish count as empty.
 */
async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(entries.map((name) => fileSize(join(folder, name))));
  return sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}
