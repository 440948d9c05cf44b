import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { abortable } from '../async/abort';
import { LLM2CLIP } from '../model';
import { bundleDigest } from '../search/bundle-digest';
import type { BundleMark } from '../search/image-catalogue';
import { ImageIndex } from '../search/image-index';
import { type IndexSummary, indexImages, pruneImages } from '../search/index-images';
import { STORAGES, type Storage } from '../search/storage';
import { foundImages } from './found-images';
import { interruptSignal } from './interrupt';
import { print } from './output';
import { clearProgress, ProgressBar } from './progress';
import { reportFailure } from './report-failure';
import { shownName } from './terminal-text';

interface Options {
  bundle: string;
  out: string;
  device: string;
  storage?: Storage;
  prune?: true;
  json?: true;
}

const DEFAULT_STORAGE = 'int8';

/** Opens or creates the index and checks that its bundle and storage are the requested ones. */
async function openIndex(
  { out, storage }: Options,
  mark: BundleMark,
  dim: number,
): Promise<ImageIndex> {
  const format = { storage: storage ?? DEFAULT_STORAGE, dim };
  const index = await ImageIndex.openOrCreate(out, mark, format);
  try {
    index.requireBundle(mark);
    if (storage !== undefined && index.storage !== storage) {
      const message = `expected --storage ${index.storage}, which ${out} was made with, received ${storage}`;
      throw Object.assign(new RangeError(message), { code: 'ERR_INVALID_ARG' });
    }
    return index;
  } catch (error) {
    await index.dispose();
    throw error;
  }
}

function describe({ out }: Options, size: number, summary: IndexSummary): string {
  const { added, updated, unchanged, failed, failedBefore, removed } = summary;
  const parts = [
    `${added} added`,
    `${updated} updated`,
    `${unchanged} unchanged`,
    `${failed} failed`,
    ...(failedBefore > 0 ? [`${failedBefore} failed before`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
  ];
  return `${shownName(out)}: ${size} image${size === 1 ? '' : 's'} (${parts.join(', ')})`;
}

async function run(places: string[], options: Options): Promise<void> {
  const signal = interruptSignal();
  const absolute = places.map((place) => resolve(place));
  const images = [...new Set(await foundImages(absolute, signal))];
  const mark = { path: resolve(options.bundle), digest: await bundleDigest(options.bundle) };
  const load = { device: options.device, parts: ['vision'] } as const;
  const model = await abortable(LLM2CLIP.load(options.bundle, load), signal);
  const index = await openIndex(options, mark, model.info.embeddingDim);
  try {
    let bar: ProgressBar | undefined;
    const summary = await indexImages({
      ...{ index, model, images, signal },
      onFailure: (path, error) => reportFailure(path, error, options.json ?? false),
      onProgress: (done, total) => {
        bar ??= new ProgressBar(total);
        bar.show(done);
      },
    });
    if (options.prune) summary.removed = await pruneImages(index, absolute, images);
    await index.finish();
    clearProgress();
    const { out } = options;
    if (options.json) print({ index: out, pictures: index.size, ...summary });
    else print(describe(options, index.size, summary));
  } finally {
    clearProgress();
    await index.dispose();
    if (!signal.aborted) await model.dispose();
  }
}

/** Makes the command `llm2clip index`. */
export function indexCommand(): Command {
  return new Command('index')
    .description('embed images into an index file, or bring an existing index up to date')
    .argument('<folder...>', 'folders that are searched recursively, or image files')
    .requiredOption('--bundle <bundle>', 'bundle made by convert or import')
    .requiredOption('--out <index>', 'index file to create or to update')
    .addOption(
      new Option(
        '--storage <storage>',
        `number format of the stored vectors (default: ${DEFAULT_STORAGE})`,
      ).choices(STORAGES),
    )
    .option('--prune', 'remove images of these folders whose files no longer exist')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--json', 'print a line of JSON per failed image, then one with the summary')
    .action(run);
}
