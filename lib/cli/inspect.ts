import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { MANIFEST_NAME } from '../bundle/manifest';
import { openBundle } from '../bundle/open';
import { contentsOf } from '../checkpoint/contents';
import { readCheckpoint } from '../checkpoint/read';
import type { LlamaConfig } from '../checkpoint/text-config';
import type { VisionConfig } from '../checkpoint/vision-config';
import { print, printTable } from './output';
import { describeParts } from './parts';
import { describePreprocessing } from './preprocessing';
import { describeQuantisation } from './quantisation';
import { describeStateDict } from './state-dict';

interface Options {
  config?: string;
  stateDict?: string;
  json?: true;
}

async function inspectBundle(path: string) {
  const bundle = await openBundle(path);
  try {
    for (const name of Object.keys(bundle.manifest.files)) await bundle.verify(name, true);
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

async function inspectCheckpoint(path: string, { config, stateDict }: Options) {
  const table = await readCheckpoint(path, {
    ...(config === undefined ? {} : { config }),
    ...(stateDict === undefined ? {} : { stateDict }),
  });
  const { vision, adapter, llm } = contentsOf(table);
  const parts = [vision, adapter, llm].filter((part) => part !== undefined);
  const entries = parts.flatMap(({ weights }) => weights.map(({ entry }) => entry));
  const parameters = entries.reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  const bound = new Set(entries.map(({ name }) => name));
  return {
    kind: 'checkpoint' as const,
    path,
    format: table.format,
    ...(table.stateDict.key !== '' && {
      stateDict: table.stateDict.key,
      otherStateDicts: table.stateDict.others,
    }),
    layout: parts[0]?.layout ?? '',
    ...(vision && {
      ...{ model: vision.config, preprocessing: vision.preprocessing },
      preprocessingSource: vision.preprocessingSource,
    }),
    ...((adapter || llm) && {
      text: {
        ...(adapter && { adapter: { model: adapter.config } }),
        ...(llm && { llm: { model: llm.config } }),
      },
    }),
    parameters,
    dtypes: [...new Set(entries.map(({ dtype }) => dtype))].sort(),
    tensors: entries.length,
    ignored: table.tensors.map(({ name }) => name).filter((name) => !bound.has(name)),
  };
}

function printBundle({ path, digests, manifest }: Awaited<ReturnType<typeof inspectBundle>>): void {
  const { engine, preprocessing, source } = manifest;
  printTable([
    ['bundle', path],
    ['parts', describeParts(manifest)],
    ['parameters', manifest.parameters.toLocaleString('en')],
    ['engine', `${engine.kind} (${engine.flavour}), built by ${engine.version}`],
    ['precision', manifest.precision],
    ...describeStateDict(source?.stateDict ?? '', source?.otherStateDicts ?? []),
    ...(preprocessing ? describePreprocessing(preprocessing, source?.preprocessing) : []),
    ...(manifest.quantisation ? describeQuantisation(manifest.quantisation) : []),
    ['largest batch', String(manifest.batch.max)],
    ['digests', `${digests}, ${Object.keys(manifest.files).length} files`],
  ]);
}

function describeVision(model: VisionConfig): [string, string][] {
  const { layers, width, heads, hidden } = model;
  return [
    ['input', `${model.imageSize} px, patches of ${model.patchSize}`],
    ['tower', `${layers} layers × ${width}, ${heads} heads, hidden ${hidden}`],
  ];
}

function describeLlama(model: LlamaConfig): [string, string][] {
  const { layers, width, heads, kvHeads, hidden } = model;
  const described = `${layers} layers × ${width}, ${heads} heads, ${kvHeads} of keys, hidden ${hidden}`;
  return [['language model', described]];
}

function printCheckpoint(found: Awaited<ReturnType<typeof inspectCheckpoint>>): void {
  const { model, text, preprocessing } = found;
  printTable([
    ['checkpoint', found.path],
    ['format', `${found.format}, ${found.layout} layout`],
    ...describeStateDict(found.stateDict ?? '', found.otherStateDicts ?? []),
    ['parts', describeParts({ model, text })],
    ...(model ? describeVision(model) : []),
    ...(preprocessing ? describePreprocessing(preprocessing, found.preprocessingSource) : []),
    ...(text?.llm ? describeLlama(text.llm.model) : []),
    ['parameters', `${found.parameters.toLocaleString('en')} in ${found.dtypes.join(', ')}`],
    ['ignored', found.ignored.length === 0 ? 'nothing' : `${found.ignored.length} tensors`],
  ]);
}

async function run(path: string, options: Options): Promise<void> {
  if (existsSync(join(path, MANIFEST_NAME))) {
    const found = await inspectBundle(path);
    return options.json ? print(found) : printBundle(found);
  }
  const found = await inspectCheckpoint(path, options);
  return options.json ? print(found) : printCheckpoint(found);
}

/** Makes the command `llm2clip inspect`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description("describe a checkpoint or a bundle, and check a bundle's digests")
    .argument('<path>', 'checkpoint or bundle')
    .option('--config <file>', 'config.json, if there is none beside the checkpoint')
    .option('--state-dict <key>', 'key of the weights to use in a torch file that holds several')
    .option('--json', 'print the description as JSON')
    .action(run);
}
