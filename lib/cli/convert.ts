import { Command, Option } from 'commander';
import type { Manifest } from '../bundle/manifest';
import { convert } from '../convert';
import { type ConvertProgress, DEFAULT_MAX_BATCH } from '../convert/options';
import { DEFAULT_ENGINE, ENGINE_KINDS, type EngineKind, kindsThat } from '../engines';
import type { Part } from '../parts';
import { PRECISIONS, type Precision } from '../precision';
import { positiveInteger } from './arguments';
import { interruptSignal } from './interrupt';
import { print, printTable } from './output';
import { describeParts } from './parts';
import { describePreprocessing } from './preprocessing';
import { clearProgress, showProgress } from './progress';
import { describeQuantisation } from './quantisation';
import { describeStateDict } from './state-dict';

interface Options {
  out: string;
  engine: EngineKind;
  precision?: Precision;
  calibrate?: string[];
  llm?: string;
  lora?: string;
  parts?: Part[];
  config?: string;
  stateDict?: string;
  portable?: true;
  maxBatch: number;
  computeCapability?: 'current' | string[];
  force?: true;
  json?: true;
}

/** The engines that accept a list of GPUs to build for. */
const BUILDS_FOR_MANY = kindsThat(({ buildsFor }) => !('reason' in buildsFor));

/** Splits "8.9,12.0" at the commas; keeps "current". */
function capabilityList(text: string): 'current' | string[] {
  return text === 'current' ? text : text.split(',').map((part) => part.trim());
}

function partList(text: string): Part[] {
  return text.split(',').map((part) => part.trim()) as Part[];
}

function printReport(manifest: Manifest, out: string): void {
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  print(
    `${out}: ${describeParts(manifest)}, ` +
      `${manifest.parameters.toLocaleString('en')} parameters, ` +
      `${manifest.engine.kind} (${manifest.engine.flavour}) in ${manifest.precision}, ` +
      `${(bytes / 1e6).toFixed(1)} MB`,
  );
  const { preprocessing, source, quantisation } = manifest;
  printTable([
    ...describeStateDict(source?.stateDict ?? '', source?.otherStateDicts ?? []),
    ...(preprocessing ? describePreprocessing(preprocessing, source?.preprocessing) : []),
    ...(quantisation ? describeQuantisation(quantisation) : []),
  ]);
}

async function run(checkpoint: string, options: Options): Promise<void> {
  const onProgress = ({ stage, part, fraction }: ConvertProgress) =>
    showProgress(`${stage}${part ? ` ${part}` : ''} ${Math.round(100 * fraction)} %`);
  const { llm, lora, parts, config, stateDict, calibrate, out } = options;
  const { engine, precision, maxBatch, computeCapability } = options;
  const manifest = await convert(checkpoint, {
    out,
    engine,
    maxBatch,
    portable: options.portable ?? false,
    force: options.force ?? false,
    signal: interruptSignal(),
    onProgress,
    ...(precision === undefined ? {} : { precision }),
    ...(computeCapability === undefined ? {} : { computeCapabilities: computeCapability }),
    ...(llm === undefined ? {} : { llm }),
    ...(lora === undefined ? {} : { lora }),
    ...(parts === undefined ? {} : { parts }),
    ...(config === undefined ? {} : { config }),
    ...(stateDict === undefined ? {} : { stateDict }),
    ...(calibrate === undefined ? {} : { calibrate }),
  }).finally(clearProgress);
  if (options.json) print(manifest);
  else printReport(manifest, out);
}

/** Makes the command `llm2clip convert`. */
export function convertCommand(): Command {
  return new Command('convert')
    .description('make an engine bundle from a checkpoint (safetensors, .pt or .bin)')
    .argument('<checkpoint>', 'checkpoint file, or the folder that holds it')
    .requiredOption('--out <bundle>', 'folder to create')
    .addOption(
      new Option('--engine <kind>', 'engine that will run the model')
        .choices(ENGINE_KINDS)
        .default(DEFAULT_ENGINE),
    )
    .addOption(
      new Option(
        '--precision <p>',
        'precision of the weights (default: bf16; fp16 for TensorRT)',
      ).choices(PRECISIONS),
    )
    .option('--calibrate <folder...>', 'images like those that you will encode; int8 requires them')
    .option(
      '--llm <folder>',
      'language model for texts: a folder with config.json, weights and tokenizer.json',
    )
    .option('--lora <folder>', 'LoRA in PEFT format to merge into the language model')
    .option(
      '--parts <list>',
      'parts to make: vision, adapter, llm (default: all that the checkpoint has)',
      partList,
    )
    .option(
      '--config <file>',
      'config.json or open_clip config, if there is none beside the checkpoint',
    )
    .option(
      '--state-dict <key>',
      'key of the weights to use in a torch file that holds several, e.g. model_ema',
    )
    .option('--portable', 'use only stock operators, for Triton and plain torch.jit.load')
    .option('--max-batch <n>', 'largest batch', positiveInteger, DEFAULT_MAX_BATCH)
    .option(
      '--compute-capability <list>',
      `GPUs that ${BUILDS_FOR_MANY.join(' or ')} builds for: "current", or e.g. 8.9,12.0 (default: 8.6,8.9,12.0)`,
      capabilityList,
    )
    .option('--force', 'replace an existing bundle; accept an int8 engine that fails its gate')
    .option('--json', 'print the manifest as JSON')
    .action(run);
}
