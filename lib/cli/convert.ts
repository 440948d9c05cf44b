import { Command, Option } from 'commander';
import type { Manifest } from '../bundle/manifest';
import { convert } from '../convert';
import { type ConvertProgress, DEFAULT_MAX_BATCH } from '../convert-options';
import { LLM2CLIPError } from '../errors';
import { PRECISIONS, type Precision } from '../precision';
import { positiveInteger } from './arguments';
import { interruptSignal } from './interrupt';
import { print, printTable } from './output';
import { clearProgress, showProgress } from './progress';
import { describeQuantisation } from './quantisation';

interface Options {
  out: string;
  engine: string;
  precision: Precision;
  calibrate?: string[];
  config?: string;
  portable?: true;
  maxBatch: number;
  computeCapability?: string;
  force?: true;
  json?: true;
}

/** Words of the command line that this version knows but cannot yet do. */
function refuseLaterWork({ engine, computeCapability }: Options): void {
  const refused =
    (engine !== 'torchscript' && `--engine ${engine}`) ||
    (computeCapability !== undefined && '--compute-capability');
  if (refused) {
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `this version builds torchscript engines for the CPU, not ${refused}`,
    );
  }
}

function printReport(manifest: Manifest, out: string): void {
  const { family, imageSize, embeddingDim } = manifest.model;
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  print(
    `${out}: ${family} ${imageSize} px → ${embeddingDim}, ` +
      `${manifest.parameters.toLocaleString('en')} parameters, ` +
      `${manifest.engine.kind} (${manifest.engine.flavour}) in ${manifest.precision}, ` +
      `${(bytes / 1e6).toFixed(1)} MB`,
  );
  if (manifest.quantisation) printTable(describeQuantisation(manifest.quantisation));
}

async function run(checkpoint: string, options: Options): Promise<void> {
  refuseLaterWork(options);
  const onProgress = ({ stage, fraction }: ConvertProgress) =>
    showProgress(`${stage} ${Math.round(100 * fraction)} %`);
  const { config, calibrate, out, precision, maxBatch } = options;
  const manifest = await convert(checkpoint, {
    out,
    precision,
    maxBatch,
    portable: options.portable ?? false,
    force: options.force ?? false,
    signal: interruptSignal(),
    onProgress,
    ...(config === undefined ? {} : { config }),
    ...(calibrate === undefined ? {} : { calibrate }),
  }).finally(clearProgress);
  if (options.json) print(manifest);
  else printReport(manifest, out);
}

/** `llm2clip convert`. */
export function convertCommand(): Command {
  const engines = ['torchscript', 'tensorrt', 'tensorrt-rtx'];
  return new Command('convert')
    .description('make an engine bundle from a checkpoint: safetensors, .pt or .bin')
    .argument('<checkpoint>', 'file, or the folder that holds it')
    .requiredOption('--out <bundle>', 'folder to make')
    .addOption(
      new Option('--engine <kind>', 'what runs it').choices(engines).default('torchscript'),
    )
    .addOption(new Option('--precision <p>', 'of the weights').choices(PRECISIONS).default('bf16'))
    .option('--calibrate <folder...>', 'pictures like those to come, which int8 needs')
    .option('--config <file>', 'config.json or open_clip-style file, where none lies beside it')
    .option('--portable', 'stock operators alone: for Triton and plain torch.jit.load')
    .option('--max-batch <n>', 'largest batch', positiveInteger, DEFAULT_MAX_BATCH)
    .option('--compute-capability <list>', 'GPUs to build for, e.g. 8.9,12.0')
    .option('--force', 'replace a bundle that is there; take int8 that is too far from fp32')
    .option('--json', 'print the manifest as JSON')
    .action(run);
}
