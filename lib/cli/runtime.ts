import { Command } from 'commander';
import { describeRuntime, type RuntimeDescription } from '../runtime/describe';
import { type InstallProgress, installLibtorch } from '../runtime/install';

/** `llm2clip runtime install|info`. */
export function runtimeCommand(): Command {
  return new Command('runtime')
    .description('find, install and describe the libraries that engines need')
    .addCommand(installCommand())
    .addCommand(infoCommand());
}

function installCommand(): Command {
  return new Command('install')
    .description("install libtorch for the CPU into this user's cache, through pip")
    .option('--headers', 'also what building the engine from source needs')
    .option('--target <dir>', 'install there instead, for a packaged app')
    .option('--json', 'print the result as JSON')
    .action(async (options: { headers?: true; target?: string; json?: true }) => {
      const result = await installLibtorch({
        headers: options.headers ?? false,
        onProgress: showProgress,
        ...(options.target === undefined ? {} : { target: options.target }),
      });
      clearProgress();
      const verb = result.installed ? 'installed in' : 'is in';
      print(options.json ? result : `libtorch ${result.version} ${verb} ${result.root}`);
    });
}

function infoCommand(): Command {
  return new Command('info')
    .description('print what is found where, and what is missing with the command that mends it')
    .option('--json', 'print it as JSON')
    .action(async (options: { json?: true }) => {
      const description = await describeRuntime();
      print(options.json ? description : formatDescription(description));
    });
}

const CLEAR_LINE = '\r\x1b[K';

/** One line that is written over, on a terminal only. */
export function showProgress({ step, package: name, bytes, totalBytes }: InstallProgress): void {
  if (!process.stderr.isTTY) return;
  const percent = Math.floor((100 * bytes) / totalBytes);
  const total = `${Math.ceil(totalBytes / 1e6)} MB`;
  process.stderr.write(`${CLEAR_LINE}${step} ${name}: ${percent} % of ${total}`);
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
}

function formatDescription(description: RuntimeDescription): string {
  const { llm2clip, node, platform, glibc, cpu, addon, plugins, libtorch, missing } = description;
  const lines = [
    ['llm2clip', `${llm2clip}, Node ${node}, ${platform}, glibc ${glibc ?? 'not found'}`],
    ['processor', `${cpu.model}, ${cpu.threads} threads: ${cpu.features.join(' ') || 'no AVX2'}`],
    ['memory', `${(description.memoryBytes / 1e9).toFixed(1)} GB`],
    ['addon', addon ?? 'missing'],
    ...plugins.map(({ name, path }) => ['engine', `${name}: ${path ?? 'missing'}`]),
    ['libtorch', `${libtorch.expected} expected, ${libtorch.used ?? 'none'} used`],
    ...libtorch.places.map(({ source, folder, version, headers, problem }) => [
      `  ${source}`,
      problem ?? `${version} in ${folder}${headers ? ', with headers' : ''}`,
    ]),
    ...missing.map(({ what, command }) => ['missing', `${what}; run: ${command}`]),
  ];
  return lines.map(([name = '', value]) => `${name.padEnd(10)} ${value}`).join('\n');
}

function print(value: object | string): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  process.stdout.write(`${text}\n`);
}
