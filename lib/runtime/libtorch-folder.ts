import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileSize, findDamage, readRecord } from './record';

/** A folder with libtorch in it, read without loading anything. */
export interface LibtorchFolder {
  /** Folder that holds `torch/` (and `nvidia/`); of a libtorch archive, the one that holds `lib/`. */
  root: string;
  /** As the folder states it, e.g. "2.11.0+cu130". */
  version: string;
  /** Absolute paths, in the order in which to open them. */
  libraries: string[];
  /** Those to open after them for NVIDIA GPUs; empty where this libtorch has none. */
  cudaLibraries: string[];
  /** Headers, where the folder has them. */
  include?: string;
}

/**
 * What lies in `folder`: an installed runtime, a Python site-packages folder, its `torch` folder or
 * an unpacked libtorch archive. A string says why it cannot be used.
 */
export async function readLibtorchFolder(folder: string): Promise<LibtorchFolder | string> {
  const torch = await findTorch(folder);
  if (!torch) return `no torch/lib/libtorch_cpu.so in ${folder}`;
  const root = basename(torch) === 'torch' ? dirname(torch) : torch;
  const record = await readRecord(root);
  const damage = record && (await findDamage(root, record));
  if (damage) return `${damage} in ${root}`;
  const version = record?.libtorch ?? (await statedVersion(torch));
  if (!version) return `${root} does not say its version (no torch/version.py)`;
  const hasHeaders = await fileSize(join(torch, 'include/ATen/ATen.h'));
  return {
    root,
    version,
    libraries: await listLibraries(torch, root),
    cudaLibraries: await listCudaLibraries(torch, root),
    ...(hasHeaders && (record?.headers ?? true) ? { include: join(torch, 'include') } : {}),
  };
}

async function findTorch(folder: string): Promise<string | undefined> {
  for (const torch of [join(folder, 'torch'), folder]) {
    if ((await fileSize(join(torch, 'lib/libtorch_cpu.so'))) !== undefined) return torch;
  }
  return undefined;
}

/** CUDA's libraries only where this build of libtorch brings them; the others are always there. */
async function listLibraries(torch: string, root: string): Promise<string[]> {
  const lib = join(torch, 'lib');
  const openmp = (await readdir(lib)).filter((name) => /^libgomp.*\.so/.test(name));
  const candidates = [
    join(root, 'nvidia/cu13/lib/libcudart.so.13'),
    join(root, 'nvidia/cu13/lib/libcupti.so.13'),
    ...openmp.map((name) => join(lib, name)),
    join(lib, 'libc10.so'),
    join(lib, 'libtorch_cpu.so'),
  ];
  return present(candidates);
}

/** What libtorch_cuda.so needs lies where its run path says, but for what is asked for by name alone. */
async function listCudaLibraries(torch: string, root: string): Promise<string[]> {
  const libtorch = join(torch, 'lib/libtorch_cuda.so');
  if ((await fileSize(libtorch)) === undefined) return [];
  return present([
    join(root, 'nvidia/cu13/lib/libnvrtc.so.13'),
    join(torch, 'lib/libc10_cuda.so'),
    libtorch,
  ]);
}

async function present(paths: string[]): Promise<string[]> {
  const sizes = await Promise.all(paths.map(fileSize));
  return paths.filter((_, index) => sizes[index] !== undefined);
}

/** Read from a Python package, else a libtorch archive, else the headers. */
async function statedVersion(torch: string): Promise<string | undefined> {
  const read = (name: string) => readFile(join(torch, name), 'utf8').catch(() => '');
  const python = /^__version__ = '([^']+)'/m.exec(await read('version.py'));
  const archive = python ?? /^(\d\S+)/.exec(await read('build-version'));
  if (archive) return archive[1];
  const header = await read('include/torch/headeronly/version.h');
  const part = (name: string) => new RegExp(`TORCH_VERSION_${name} (\\d+)`).exec(header)?.[1];
  return header && `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`;
}

/** Whether a stated version ("2.11.0+cu130") is the one expected ("2.11.0"). */
export function isVersion(stated: string, expected: string): boolean {
  return stated.split('+')[0] === expected;
}
