import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { MANIFEST_NAME } from '../bundle/manifest';
import { openBundle } from '../bundle/open';
import { resolveModel } from '../checkpoint/layouts';
import { readCheckpoint } from '../checkpoint/read';
import { print, printTable } from './output';
import { describeQuantisation } from './quantisation';

interface Options {
  config?: string;
  json?: true;
}

async function inspectBundle(path: string) {
  const bundle = await openBundle(path);
  try {
    for (const name of Object.keys(bundle.manifest.files)) await bundle.verify(name);
    return {
      kind: 'bundle' as const,
      path,
      digests: 'verified' as const,
      manifest: bundle.manifest,
    };
  } finally {
    await bundle.close();
  }
}

async function inspectCheckpoint(path: string, config: string | undefined) {
  const table = await readCheckpoint(path, config === undefined ? {} : { config });
  const { layout, config: model, weights, ignored, preprocessing } = resolveModel(table);
  const parameters = weights.reduce(
    (sum, { entry }) => sum + entry.shape.reduce((product, size) => product * size, 1),
    0,
  );
  const dtypes = [...new Set(weights.map(({ entry }) => entry.dtype))].sort();
  return {
    kind: 'checkpoint' as const,
    path,
    format: table.format,
    layout,
    model,
    preprocessing,
    parameters,
    dtypes,
    tensors: weights.length,
    ignored,
  };
}

function printBundle({ path, digests, manifest }: Awaited<ReturnType<typeof inspectBundle>>): void {
  const { model, engine, preprocessing } = manifest;
  printTable([
    ['bundle', path],
    ['family', model.family],
    ['input', `${model.imageSize} px, ${preprocessing.resample}`],
    ['embedding', String(model.embeddingDim)],
    ['parameters', manifest.parameters.toLocaleString('en')],
    ['engine', `${engine.kind} (${engine.flavour}), built by ${engine.version}`],
    ['precision', manifest.precision],
    ...(manifest.quantisation ? describeQuantisation(manifest.quantisation) : []),
    ['largest batch', String(manifest.batch.max)],
    ['digests', `${digests}, ${Object.keys(manifest.files).length} files`],
  ]);
}

function printCheckpoint(found: Awaited<ReturnType<typeof inspectCheckpoint>>): void {
  const { model } = found;
  printTable([
    ['checkpoint', found.path],
    ['format', `${found.format}, ${found.layout} layout`],
    ['family', model.family],
    ['input', `${model.imageSize} px, patches of ${model.patchSize}`],
    [
      'tower',
      `${model.layers} layers × ${model.width}, ${model.heads} heads, hidden ${model.hidden}`,
    ],
    ['embedding', String(model.embeddingDim)],
    ['parameters', `${found.parameters.toLocaleString('en')} in ${found.dtypes.join(', ')}`],
    ['ignored', found.ignored.length === 0 ? 'nothing' : `${found.ignored.length} tensors`],
  ]);
}

async function run(path: string, options: Options): Promise<void> {
  if (existsSync(join(path, MANIFEST_NAME))) {
    const found = await inspectBundle(path);
    return options.json ? print(found) : printBundle(found);
  }
  const found = await inspectCheckpoint(path, options.config);
  return options.json ? print(found) : printCheckpoint(found);
}

/** `llm2clip inspect`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what a checkpoint or a bundle holds; of a bundle, check every digest')
    .argument('<path>', 'checkpoint or bundle')
    .option('--config <file>', 'config.json for a checkpoint that has none beside it')
    .option('--json', 'print it as JSON')
    .action(run);
}
