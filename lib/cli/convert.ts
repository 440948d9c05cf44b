import { Command, Option } from 'commander';
import type { Manifest } from '../bundle/manifest';
import { type ConvertOptions, type ConvertProgress, convert, DEFAULT_MAX_BATCH } from '../convert';
import { LLM2CLIPError } from '../errors';
import { positiveInteger } from './arguments';
import { interruptSignal } from './interrupt';
import { print } from './output';
import { clearProgress, showProgress } from './progress';

interface Options {
  out: string;
  engine: string;
  precision: string;
  config?: string;
  portable?: true;
  maxBatch: number;
  computeCapability?: string;
  force?: true;
  json?: true;
}

/** Words of the command line that this version knows but cannot yet do. */
function refuseLaterWork({ engine, precision, computeCapability }: Options): void {
  const refused =
    (engine !== 'torchscript' && `--engine ${engine}`) ||
    (precision === 'int8' && '--precision int8') ||
    (computeCapability !== undefined && '--compute-capability');
  if (refused) {
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `this version builds torchscript engines in fp32, bf16 and fp16 for the CPU, not ${refused}`,
    );
  }
}

function report(manifest: Manifest, out: string): string {
  const { family, imageSize, embeddingDim } = manifest.model;
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  return (
    `${out}: ${family} ${imageSize} px → ${embeddingDim}, ` +
    `${manifest.parameters.toLocaleString('en')} parameters, ` +
    `${manifest.engine.kind} (${manifest.engine.flavour}) in ${manifest.precision}, ` +
    `${(bytes / 1e6).toFixed(1)} MB`
  );
}

async function run(checkpoint: string, options: Options): Promise<void> {
  refuseLaterWork(options);
  const onProgress = ({ stage, fraction }: ConvertProgress) =>
    showProgress(`${stage} ${Math.round(100 * fraction)} %`);
  const { config, out, maxBatch } = options;
  const precision = options.precision as NonNullable<ConvertOptions['precision']>;
  const manifest = await convert(checkpoint, {
    out,
    precision,
    maxBatch,
    portable: options.portable ?? false,
    force: options.force ?? false,
    signal: interruptSignal(),
    onProgress,
    ...(config === undefined ? {} : { config }),
  }).finally(clearProgress);
  print(options.json ? manifest : report(manifest, out));
}

/** `llm2clip convert`. */
export function convertCommand(): Command {
  const engines = ['torchscript', 'tensorrt', 'tensorrt-rtx'];
  const precisions = ['fp32', 'bf16', 'fp16', 'int8'];
  return new Command('convert')
    .description('make an engine bundle from a checkpoint: safetensors, .pt or .bin')
    .argument('<checkpoint>', 'file, or the folder that holds it')
    .requiredOption('--out <bundle>', 'folder to make')
    .addOption(
      new Option('--engine <kind>', 'what runs it').choices(engines).default('torchscript'),
    )
    .addOption(new Option('--precision <p>', 'of the weights').choices(precisions).default('bf16'))
    .option('--config <file>', 'config.json or open_clip-style file, where none lies beside it')
    .option('--portable', 'stock operators alone: for Triton and plain torch.jit.load')
    .option('--max-batch <n>', 'largest batch', positiveInteger, DEFAULT_MAX_BATCH)
    .option('--compute-capability <list>', 'GPUs to build for, e.g. 8.9,12.0')
    .option('--force', 'replace a bundle that is there')
    .option('--json', 'print the manifest as JSON')
    .action(run);
}
