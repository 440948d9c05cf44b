import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileSize, findDamage, readRecord } from './record';

/** A folder with libtorch, which was read without loading any library. */
export interface LibtorchFolder {
  /** Folder that holds `torch/` (and `nvidia/`), or for a libtorch archive, `lib/`. */
  root: string;
  /** Version that the folder states, e.g. "2.11.0+cu130". */
  version: string;
  /** Absolute paths of the libraries, in the order in which to open them. */
  libraries: string[];
  /** Libraries to open after those for NVIDIA GPUs; empty if this libtorch has none. */
  cudaLibraries: string[];
  /** Folder of headers, if there is one. */
  include?: string;
}

/**
 * Describes the libtorch in `folder`: an installed runtime, a Python site-packages folder, its
 * `torch` folder or an unpacked libtorch archive. Returns a string with the reason if it cannot be
 * used.
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

/**
 * Lists the libraries that every process opens. CUDA's are among them if this build brings them.
 */
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

/** Lists the libraries for GPUs. Its RPATH finds most; listed are those that are opened by name. */
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

/**
 * Reads the version from a Python package, or else from a libtorch archive, or else from the
 * headers.
 */
async function statedVersion(torch: string): Promise<string | undefined> {
  const read = (name: string) => readFile(join(torch, name), 'utf8').catch(() => '');
  const python = /^__version__ = '([^']+)'/m.exec(await read('version.py'));
  const archive = python ?? /^(\d\S+)/.exec(await read('build-version'));
  if (archive) return archive[1];
  const header = await read('include/torch/headeronly/version.h');
  const part = (name: string) => new RegExp(`TORCH_VERSION_${name} (\\d+)`).exec(header)?.[1];
  return header && `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`;
}

/** Whether a stated version ("2.11.0+cu130") matches the expected one ("2.11.0"). */
export function isVersion(stated: string, expected: string): boolean {
  return stated.split('+')[0] === expected;
}
