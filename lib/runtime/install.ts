import { mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { optionNames, optionsBag } from '../arguments';
import { LLM2CLIPError } from '../errors';
import {
  createStaging,
  exchangeByRenames,
  publish,
  replace,
  sweepStaging,
  syncFileSystem,
} from '../files/staging';
import { loadNative } from '../native';
import { cachedLibtorchFolder, cachedRuntimeFolder } from './cache';
import { LIBTORCH_CUDA_PINS } from './cuda-pins';
import { fetchWheel, type InstallProgress } from './fetch-wheel';
import { LIBTORCH_PINS, type RuntimePins, TENSORRT_RTX_PINS } from './pins';
import { fileSize, findDamage, RECORD_NAME, type RuntimeRecord, readRecord } from './record';
import type { UnpackedFile } from './unpack';

export interface InstallOptions {
  /** Also install the headers, which building the engine's plugin needs. */
  headers?: boolean;
  /** Also install the CUDA libraries, which NVIDIA GPUs need. */
  cuda?: boolean;
  /** Target folder. Default: a folder in this user's cache. */
  target?: string;
  onProgress?: (progress: InstallProgress) => void;
  /** Wheels to install instead of the published ones; for tests. */
  pins?: RuntimePins;
}

const INSTALL_OPTIONS = optionNames<InstallOptions>({
  headers: true,
  cuda: true,
  target: true,
  onProgress: true,
  pins: true,
});

export type { InstallProgress };

export interface InstallResult {
  root: string;
  version: string;
  headers: boolean;
  /** False if it was already there, or if another process installed it at the same time. */
  installed: boolean;
}

/**
 * Installs libtorch with pip, completely or not at all. Several processes may do so at the same
 * time: the first to finish wins, and the others use its result. Headers are added in place to a
 * folder without them.
 *
 * @throws LLM2CLIPError ERR_INSTALL_FAILED, ERR_IO
 * @example
 * const { root } = await installLibtorch({ target: 'vendor/libtorch' });
 */
export async function installLibtorch(options: InstallOptions = {}): Promise<InstallResult> {
  const { pins, cuda = false } = options;
  const wanted = pins ?? (cuda ? LIBTORCH_CUDA_PINS : LIBTORCH_PINS);
  return installRuntime(wanted, () => cachedLibtorchFolder(wanted.version, { cuda }), options);
}

/**
 * Installs TensorRT for RTX in the same way. It builds engines without a GPU and runs them on one.
 *
 * @throws LLM2CLIPError ERR_INSTALL_FAILED, ERR_IO
 * @example
 * await installTensorrtRtx();
 */
export async function installTensorrtRtx(options: InstallOptions = {}): Promise<InstallResult> {
  const pins = options.pins ?? TENSORRT_RTX_PINS;
  return installRuntime(pins, () => cachedRuntimeFolder(pins.runtime, pins.version), options);
}

async function installRuntime(
  pins: RuntimePins,
  folder: () => string,
  options: InstallOptions,
): Promise<InstallResult> {
  optionsBag(options, 'options', INSTALL_OPTIONS);
  const job: Job = {
    pins,
    command: pins.command,
    headers: options.headers ?? false,
    target: resolve(options.target ?? folder()),
    onProgress: options.onProgress ?? (() => undefined),
  };
  try {
    return await install(job);
  } catch (error) {
    if (error instanceof LLM2CLIPError) throw error;
    const { message } = error as Error;
    throw new LLM2CLIPError(
      'ERR_IO',
      `cannot install ${pins.runtime} into ${job.target}: ${message}`,
      {
        cause: error,
      },
    );
  }
}

interface Job {
  pins: RuntimePins;
  command: string;
  headers: boolean;
  target: string;
  onProgress: (progress: InstallProgress) => void;
}

async function install(job: Job): Promise<InstallResult> {
  await mkdir(dirname(job.target), { recursive: true });
  await sweepStaging(job.target);
  const present = await usableRecord(job);
  if (present && (present.headers || !job.headers)) return result(job, present, false);
  if (!present) await refuseForeignFolder(job);
  const staging = await createStaging(job.target);
  try {
    const installed = present
      ? await addHeaders(job, present, staging)
      : await installAll(job, staging);
    const record = await usableRecord(job);
    if (record && (record.headers || !job.headers)) return result(job, record, installed);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  // Another process won, but with fewer files than requested here. Add the others.
  return install(job);
}

function result(job: Job, record: RuntimeRecord, installed: boolean): InstallResult {
  const { version } = job.pins;
  return { root: job.target, version, headers: record.headers, installed };
}

/** Returns the record of a target that is complete and of the right version, else undefined. */
async function usableRecord({ target, pins }: Job): Promise<RuntimeRecord | undefined> {
  const record = await readRecord(target);
  if (record?.[pins.runtime] !== pins.version) return undefined;
  const present = new Set(record.files.map(({ path }) => path));
  if (!pins.wheels.every(({ files }) => files.every((file) => present.has(file)))) return undefined;
  return (await findDamage(target, record)) ? undefined : record;
}

/** Refuses a target that `runtime install` did not make, so that it is never deleted. */
async function refuseForeignFolder({ target, pins }: Job): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0 || names.includes(RECORD_NAME)) return;
  throw new LLM2CLIPError(
    'ERR_INSTALL_FAILED',
    `expected ${target} to be absent, empty or a ${pins.runtime} installed earlier, found other files; name another folder with --target`,
  );
}

async function installAll(job: Job, staging: string): Promise<boolean> {
  const { wheels } = job.pins;
  await requireSpace(job, Math.max(...wheels.map((wheel) => wheel.bytes)));
  const content = join(staging, 'content');
  const files: UnpackedFile[] = [];
  for (const wheel of wheels)
    files.push(...(await fetchWheel({ ...job, libraries: true }, wheel, staging, content)));
  await writeRecord(content, {
    formatVersion: 1,
    [job.pins.runtime]: job.pins.version,
    packages: wheels.map(({ package: name, version, sha256 }) => ({ name, version, sha256 })),
    files,
    headers: job.headers,
  });
  await syncFileSystem(content);
  if (await publish(content, job.target)) return true;
  if (await usableRecord(job)) return false;
  await refuseForeignFolder(job);
  await replace(content, job.target, exchangeFolders);
  return true;
}

/** During the set-up of a clone there is no addon yet, and not every file system can exchange. */
async function exchangeFolders(a: string, b: string): Promise<void> {
  try {
    loadNative().exchangeDirectories(a, b);
  } catch {
    await exchangeByRenames(a, b);
  }
}

/** Adds headers. Their folder appears atomically, and the record is updated after that. */
async function addHeaders(job: Job, record: RuntimeRecord, staging: string): Promise<boolean> {
  let installed = false;
  for (const wheel of job.pins.wheels) {
    if (!wheel.headers) continue;
    const folder = join(job.target, wheel.headers);
    // The folder exists without a record if an earlier run was stopped before writing the record.
    if ((await fileSize(folder)) !== undefined) continue;
    await requireSpace(job, wheel.bytes);
    const content = join(staging, 'content');
    await fetchWheel({ ...job, libraries: false }, wheel, staging, content);
    await syncFileSystem(content);
    installed = await publish(join(content, wheel.headers), folder);
  }
  await writeRecord(staging, { ...record, headers: true });
  await rename(join(staging, RECORD_NAME), join(job.target, RECORD_NAME));
  return installed;
}

async function writeRecord(folder: string, record: RuntimeRecord): Promise<void> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeFile(join(folder, RECORD_NAME), text, { flush: true });
}

/** Checks the free space before half a gigabyte is downloaded. */
async function requireSpace({ pins, target }: Job, downloadBytes: number): Promise<void> {
  const needed = pins.wheels.reduce((sum, wheel) => sum + wheel.unpackedBytes, 2 * downloadBytes);
  const { bavail, bsize } = await statfs(dirname(target));
  if (bavail * bsize >= needed) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new LLM2CLIPError(
    'ERR_IO',
    `expected ${megabytes(needed)} free in ${dirname(target)} while installing, found ${megabytes(bavail * bsize)}; ` +
      'free some or name another folder with --target',
  );
}
