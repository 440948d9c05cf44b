import { Command } from 'commander';
import {
  describeRuntime,
  type RuntimeDescription,
  type TensorrtDescription,
} from '../runtime/describe';
import { type InstallProgress, installLibtorch, installTensorrtRtx } from '../runtime/install';
import { print, printTable } from './output';
import { clearProgress, showProgress } from './progress';

/** Makes the command `llm2clip runtime install|info`. */
export function runtimeCommand(): Command {
  return new Command('runtime')
    .description('install and describe the libraries that engines need')
    .addCommand(installCommand())
    .addCommand(infoCommand());
}

interface InstallWords {
  cuda?: true;
  tensorrtRtx?: true;
  headers?: true;
  target?: string;
  json?: true;
}

function installCommand(): Command {
  return new Command('install')
    .description("install libtorch into this user's cache with pip")
    .option('--cuda', 'include the CUDA libraries for NVIDIA GPUs (downloads 2.3 GB, not 0.5)')
    .option('--tensorrt-rtx', 'install TensorRT for RTX instead of libtorch')
    .option('--headers', 'include what is needed to build the engine from source')
    .option('--target <dir>', 'install into this folder instead, e.g. for a packaged app')
    .option('--json', 'print the result as JSON')
    .action(async (options: InstallWords) => {
      const install = options.tensorrtRtx ? installTensorrtRtx : installLibtorch;
      const result = await install({
        headers: options.headers ?? false,
        cuda: options.cuda ?? false,
        onProgress: showInstall,
        ...(options.target === undefined ? {} : { target: options.target }),
      }).finally(clearProgress);
      const verb = result.installed ? 'installed in' : 'is in';
      const what = options.tensorrtRtx ? 'TensorRT for RTX' : 'libtorch';
      print(options.json ? result : `${what} ${result.version} ${verb} ${result.root}`);
    });
}

function infoCommand(): Command {
  return new Command('info')
    .description('list the libraries found, and the command that installs each missing one')
    .option('--json', 'print the description as JSON')
    .action(async (options: { json?: true }) => {
      const description = await describeRuntime();
      if (options.json) print(description);
      else printDescription(description);
    });
}

/** Shows the progress of an installation on one line. */
export function showInstall({ step, package: name, bytes, totalBytes }: InstallProgress): void {
  const percent = Math.floor((100 * bytes) / totalBytes);
  showProgress(`${step} ${name}: ${percent} % of ${Math.ceil(totalBytes / 1e6)} MB`);
}

function describeDriver({ driver, problem }: RuntimeDescription['cuda']): string {
  return problem ?? `a driver for CUDA ${driver}`;
}

function printDescription(description: RuntimeDescription): void {
  const { llm2clip, node, platform, glibc, cpu, addon, plugins, libtorch, cuda, missing } =
    description;
  printTable([
    ['llm2clip', `${llm2clip}, Node ${node}, ${platform}, glibc ${glibc ?? 'not found'}`],
    ['processor', `${cpu.model}, ${cpu.threads} threads: ${cpu.features.join(' ') || 'no AVX2'}`],
    ['memory', `${(description.memoryBytes / 1e9).toFixed(1)} GB`],
    ['addon', addon ?? 'missing'],
    ...plugins.map(({ name, path }) => ['engine', `${name}: ${path ?? 'missing'}`] as const),
    ['libtorch', `${libtorch.expected} expected, ${libtorch.used ?? 'none'} used`],
    ...libtorch.places.map(
      ({ source, folder, version, headers, cuda, problem }) =>
        [
          `  ${source}`,
          problem ??
            `${version} in ${folder}${headers ? ', with headers' : ''}${cuda ? ', for GPUs' : ''}`,
        ] as const,
    ),
    ['CUDA', describeDriver(cuda)] as const,
    ...cuda.devices.map(
      ({ index, name, memoryBytes, computeCapability }) =>
        [
          `  cuda:${index}`,
          `${name}, ${(memoryBytes / 1e9).toFixed(1)} GB, compute capability ${computeCapability}`,
        ] as const,
    ),
    ...describePlaces('TensorRT', description.tensorrt),
    ...describePlaces('TensorRT for RTX', description.tensorrtRtx),
    ...missing.map(({ what, command }) => ['missing', `${what}; run: ${command}`] as const),
  ]);
}

function describePlaces(title: string, { expected, used, places }: TensorrtDescription) {
  const lines: [string, string][] = [[title, `${expected} expected, ${used ?? 'none'} used`]];
  for (const { source, problem, version, library } of places) {
    lines.push([`  ${source}`, problem ?? `${version === null ? '' : `${version}: `}${library}`]);
  }
  return lines;
}
