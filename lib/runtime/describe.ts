import { existsSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { PLUGINS } from '../engines';
import { loadNative } from '../native';
import { PACKAGE_ROOT, packageVersion } from '../package-version';
import { type CudaDescription, describeCuda, missingForCuda } from './describe-cuda';
import { INSTALL_COMMAND, type RuntimeSource, runtimeCandidates } from './locate';
import { LIBTORCH_VERSION } from './pins';
import { locateAddon, locatePlugin } from './plugins';
import { usableProcessors } from './processors';
import {
  TENSORRT,
  TENSORRT_RTX,
  type TensorrtLibrary,
  type TensorrtPlace,
  type TensorrtSource,
  tensorrtPlaces,
} from './tensorrt';

/** The output of `runtime info --json`. Null means that something was not found. */
export interface RuntimeDescription {
  llm2clip: string;
  node: string;
  /** Platform and architecture as in Node, e.g. "linux-x64". */
  platform: string;
  /** Version of glibc; null if the C library is another one. */
  glibc: string | null;
  cpu: { model: string; threads: number; features: string[] };
  memoryBytes: number;
  addon: string | null;
  plugins: { name: string; path: string | null }[];
  libtorch: {
    expected: string;
    /** The place that would be used. */
    used: RuntimeSource | null;
    places: RuntimePlace[];
  };
  /** NVIDIA GPUs and their libraries, which are optional. */
  cuda: CudaDescription;
  /** TensorRT, which only TensorRT bundles need; so is `tensorrtRtx`. */
  tensorrt: TensorrtDescription;
  tensorrtRtx: TensorrtDescription;
  missing: { what: string; command: string }[];
}

export interface TensorrtDescription {
  expected: string;
  /** The place that would be used. */
  used: TensorrtSource | null;
  places: TensorrtPlace[];
}

export interface RuntimePlace {
  source: RuntimeSource;
  folder: string | null;
  version: string | null;
  headers: boolean;
  cuda: boolean;
  problem: string | null;
}

/**
 * Describes which libraries this machine has and lacks. Of those it opens only the addon, which is
 * reported as missing if it does not load.
 *
 * @example
 * const { missing } = await describeRuntime();
 * for (const { what, command } of missing) console.log(`${what}: ${command}`);
 */
export async function describeRuntime(
  options: { runtime?: string } = {},
): Promise<RuntimeDescription> {
  const native = describeNative();
  const libtorch = await describeLibtorch(options);
  const cuda = await describeCuda(native.addon !== null, libtorch.usedHasCuda);
  const missing = native.missing.map((what) => ({ what, command: buildCommand() }));
  if (!libtorch.used) {
    missing.push({ what: `libtorch ${LIBTORCH_VERSION}`, command: INSTALL_COMMAND });
  }
  missing.push(...missingForCuda(cuda, buildCommand()));
  return {
    llm2clip: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    glibc: glibcVersion(),
    cpu: {
      model: cpus()[0]?.model.trim() ?? 'unknown',
      threads: usableProcessors(),
      features: native.features,
    },
    memoryBytes: totalmem(),
    addon: native.addon,
    plugins: native.plugins,
    libtorch: { expected: libtorch.expected, used: libtorch.used, places: libtorch.places },
    cuda,
    tensorrt: await describeTensorrt(TENSORRT, options),
    tensorrtRtx: await describeTensorrt(TENSORRT_RTX, options),
    missing,
  };
}

/** Command that provides the native code: in a clone of the project it is built, else installed. */
function buildCommand(): string {
  const isClone = existsSync(join(PACKAGE_ROOT, 'CMakeLists.txt'));
  return isClone ? 'npm run setup' : 'npm install llm2clip';
}

function describeNative() {
  const missing: string[] = [];
  const attempt = <T>(what: string, get: () => T): T | null => {
    try {
      return get();
    } catch {
      missing.push(what);
      return null;
    }
  };
  const addon = attempt('the llm2clip addon', () => {
    const path = locateAddon();
    return { path, features: loadNative().cpuFeatures() };
  });
  const plugins = PLUGINS.map((name) => ({
    name,
    path: addon && attempt(`the ${name} engine`, () => locatePlugin(name)),
  }));
  return {
    addon: addon?.path ?? null,
    features: addon?.features ?? listedFeatures(),
    plugins,
    missing,
  };
}

async function describeTensorrt(
  library: TensorrtLibrary,
  options: { runtime?: string },
): Promise<TensorrtDescription> {
  const places = await tensorrtPlaces(library, options);
  const used = places.find(({ library }) => library !== null)?.source ?? null;
  return { expected: library.version, used, places };
}

async function describeLibtorch(options: { runtime?: string }) {
  const places: RuntimePlace[] = [];
  let used: RuntimeSource | null = null;
  let usedHasCuda = false;
  let refused = false;
  for await (const { source, folder, found, problem } of runtimeCandidates(options)) {
    places.push({
      source,
      folder: folder ?? null,
      version: found?.version ?? null,
      headers: found?.include !== undefined,
      cuda: (found?.cudaLibraries.length ?? 0) > 0,
      problem: problem ?? null,
    });
    if (found && !refused && !used) {
      used = source;
      usedHasCuda = found.cudaLibraries.length > 0;
    }
    // If the user names a place and it cannot be used, no later place is used instead.
    refused ||= !found && (source === 'option' || source === 'env');
  }
  return { expected: LIBTORCH_VERSION, used, usedHasCuda, places };
}

/**
 * CPU features by which compute kernels are chosen, as in /proc/cpuinfo; used without the addon.
 */
const CPU_FEATURES = [
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_bf16',
  'amx_int8',
];

function listedFeatures(): string[] {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    const listed = new Set(flags.split(' '));
    return CPU_FEATURES.filter((feature) => listed.has(feature));
  } catch {
    return [];
  }
}

function glibcVersion(): string | null {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime ?? null;
}
