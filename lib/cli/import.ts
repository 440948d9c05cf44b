import { Command, Option } from 'commander';
import { FAMILIES, type Family } from '../checkpoint/layouts/families';
import { importEngine } from '../convert/import';
import { DEFAULT_MAX_BATCH } from '../convert/options';
import { DEFAULT_ENGINE, ENGINE_KINDS, type EngineKind, engineOf } from '../engines';
import { PRECISIONS, type Precision } from '../precision';
import { positiveInteger } from './arguments';
import { interruptSignal } from './interrupt';
import { print } from './output';

interface Options {
  out: string;
  family: Family;
  imageSize: number;
  engine?: EngineKind;
  embeddingDim?: number;
  precision?: Precision;
  maxBatch: number;
  force?: true;
  json?: true;
}

async function run(file: string, options: Options): Promise<void> {
  const { out, family, imageSize, engine, embeddingDim, precision, maxBatch } = options;
  const force = options.force ?? false;
  const signal = interruptSignal();
  const manifest = await importEngine(file, {
    out,
    family,
    imageSize,
    maxBatch,
    force,
    signal,
    ...(engine === undefined ? {} : { engine }),
    ...(embeddingDim === undefined ? {} : { embeddingDim }),
    ...(precision === undefined ? {} : { precision }),
  });
  const found = manifest.model?.embeddingDim;
  const report = `${out}: ${family} ${imageSize} px → ${found}, in ${manifest.precision}, imported`;
  print(options.json ? manifest : report);
}

/** Lists the engines that are recognised by a file's suffix, e.g. "tensorrt for *.plan, ". */
function knownByName(): string {
  return ENGINE_KINDS.filter((kind) => kind !== DEFAULT_ENGINE)
    .flatMap((kind) => engineOf(kind).importedSuffix?.replace(/^/, `${kind} for *`) ?? [])
    .map((each) => `${each}, `)
    .join('');
}

/** Makes the command `llm2clip import`. */
export function importCommand(): Command {
  return new Command('import')
    .description(
      'wrap a TorchScript file or TensorRT plan made elsewhere; import only files that you trust',
    )
    .argument('<file>', 'engine from pixel_values [B, 3, S, S] float32 to one embedding per image')
    .requiredOption('--out <bundle>', 'folder to create')
    .addOption(
      new Option('--family <family>', 'architecture of the model')
        .choices(FAMILIES)
        .makeOptionMandatory(),
    )
    .requiredOption('--image-size <pixels>', 'edge S of the input', positiveInteger)
    .addOption(
      new Option(
        '--engine <kind>',
        `engine that runs the file (default: ${knownByName()}else ${DEFAULT_ENGINE})`,
      ).choices(ENGINE_KINDS),
    )
    .option(
      '--embedding-dim <n>',
      'length of an embedding; a TensorRT plan needs it if there is no GPU',
      positiveInteger,
    )
    .addOption(
      new Option(
        '--precision <p>',
        'precision of a TensorRT plan, which the plan does not show',
      ).choices(PRECISIONS),
    )
    .option('--max-batch <n>', 'largest batch', positiveInteger, DEFAULT_MAX_BATCH)
    .option('--force', 'replace an existing bundle')
    .option('--json', 'print the manifest as JSON')
    .action(run);
}
