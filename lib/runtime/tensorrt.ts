// Finds the libraries of TensorRT and of TensorRT for RTX. Each is one file; nothing is opened
// here.
import { join, resolve } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { unpackedTwin } from './asar';
import { cachedRuntimeFolder, distrustOf } from './cache';
import { TENSORRT_RTX_PINS, TENSORRT_RTX_VERSION } from './pins';
import { fileSize, findDamage, readRecord } from './record';

/** Places to search for the libraries, in this order. */
export const TENSORRT_SOURCES = ['option', 'env', 'cache', 'system'] as const;
export type TensorrtSource = (typeof TENSORRT_SOURCES)[number];

/** TensorRT or TensorRT for RTX, and where to search for it. */
export interface TensorrtLibrary {
  /** What users call it. */
  title: string;
  /** Version that the plugin was compiled against. */
  version: string;
  library: string;
  /** Environment variable that names its folder. */
  variable: string;
  places: () => { source: TensorrtSource; folder: string }[];
  /** Advice on how to install it, for error messages. */
  remedy: string;
}

/** Folders where Linux distributions and NVIDIA's packages and containers install it. */
const SYSTEM_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib64',
  '/usr/local/lib',
  '/usr/local/tensorrt',
  '/opt/tensorrt',
];

export const TENSORRT: TensorrtLibrary = {
  title: 'TensorRT',
  version: '11',
  library: 'libnvinfer.so.11',
  variable: 'TENSORRT_ROOT',
  places: () => SYSTEM_FOLDERS.map((folder) => ({ source: 'system', folder })),
  remedy:
    'unpack TensorRT 11 from NVIDIA and set TENSORRT_ROOT to its folder, or use --engine ' +
    `tensorrt-rtx, which ${TENSORRT_RTX_PINS.command} installs`,
};

export const TENSORRT_RTX: TensorrtLibrary = {
  title: 'TensorRT for RTX',
  version: TENSORRT_RTX_VERSION,
  library: 'libtensorrt_rtx.so.1',
  variable: 'TENSORRT_RTX_ROOT',
  places: () => [
    { source: 'cache', folder: cachedRuntimeFolder('tensorrt-rtx', TENSORRT_RTX_VERSION) },
  ],
  remedy: `run: ${TENSORRT_RTX_PINS.command}`,
};

/** A place that was searched: the library there, or the reason why none can be used. */
export interface TensorrtPlace {
  source: TensorrtSource;
  folder: string;
  library: string | null;
  /** Version, if the folder states it. */
  version: string | null;
  problem: string | null;
}

/** Lists every place in order. If the caller names one, it is the only one. */
export async function tensorrtPlaces(
  { variable, library, places }: TensorrtLibrary,
  options: { runtime?: string } = {},
): Promise<TensorrtPlace[]> {
  const named = process.env[variable];
  if (options.runtime !== undefined) return [await inspect('option', options.runtime, library)];
  if (named) return [await inspect('env', named, library)];
  return Promise.all(places().map(({ source, folder }) => inspect(source, folder, library)));
}

/**
 * Finds the library of a kind and returns its absolute path. It searches the option `runtime`, the
 * folder in TENSORRT_ROOT or TENSORRT_RTX_ROOT, and then this user's cache (TensorRT for RTX) or
 * the system's library folders (TensorRT).
 *
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING
 */
export async function locateTensorrt(
  wanted: TensorrtLibrary,
  options: { runtime?: string } = {},
): Promise<string> {
  const places = await tensorrtPlaces(wanted, options);
  const found = places.find(({ library }) => library !== null)?.library;
  if (found) return found;
  const { title, version, remedy } = wanted;
  const problems = places.map(({ problem }) => problem).join('; ');
  throw new LLM2CLIPError(
    'ERR_RUNTIME_MISSING',
    `expected ${title} ${version}, found none (${problems}); ${remedy}`,
  );
}

/** Subfolders of a place that may hold the library, including those of Python packages. */
const WITHIN = ['', 'lib', 'lib64', 'tensorrt_rtx_libs', 'tensorrt_libs'];

async function inspect(
  source: TensorrtSource,
  place: string,
  library: string,
): Promise<TensorrtPlace> {
  const folder = unpackedTwin(resolve(place));
  const distrust = source === 'cache' ? await distrustOf(folder) : undefined;
  if (distrust) return { source, folder, library: null, version: null, problem: distrust };
  const record = await readRecord(folder);
  const damage = record && (await findDamage(folder, record));
  const version = record?.['tensorrt-rtx'] ?? null;
  const absent = { source, folder, library: null, version };
  if (damage) return { ...absent, problem: `${damage} in ${folder}` };
  for (const inner of WITHIN) {
    const path = join(folder, inner, library);
    if ((await fileSize(path)) !== undefined) {
      return { source, folder, library: path, version, problem: null };
    }
  }
  return { ...absent, problem: `no ${library} in ${folder}` };
}
