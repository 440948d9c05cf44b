import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { abortable } from '../async/abort';
import { LLM2CLIP } from '../model';
import { type Part, TEXT_PARTS } from '../parts';
import { usableProcessors } from '../runtime/processors';
import { bundleDigest } from '../search/bundle-digest';
import { ImageIndex } from '../search/image-index';
import { guessQuery, imageQuery, type Query, textQuery } from '../search/query';
import type { SearchResult } from '../search/vector-table';
import { positiveInteger } from './arguments';
import { interruptSignal } from './interrupt';
import { describeError, print, printError, stdoutDrained } from './output';
import { shownName } from './terminal-text';

interface Options {
  bundle?: string;
  device: string;
  count: number;
  image?: true;
  text?: true;
  json?: true;
}

async function queriesOf(words: readonly string[], { image, text }: Options): Promise<Query[]> {
  if (image) return words.map(imageQuery);
  return text ? words.map(textQuery) : Promise.all(words.map(guessQuery));
}

function show({ label }: Query, { ids, scores }: SearchResult, json: boolean): void {
  const results = ids.map((id, i) => ({ image: String(id), score: scores[i] as number }));
  if (json) print({ query: label, results });
  else for (const { image, score } of results) print(`${score.toFixed(4)}\t${shownName(image)}`);
}

function showFailure({ label }: Query, error: unknown, json: boolean): void {
  process.exitCode = 1;
  if (json) print({ query: label, error: describeError(error) });
  else printError(error);
}

function partsFor(queries: readonly Query[]): Part[] {
  const ask = (wanted: Query['kind']) => queries.some(({ kind }) => kind === wanted);
  return [...(ask('text') ? TEXT_PARTS : []), ...(ask('image') ? (['vision'] as const) : [])];
}

/**
 * Loads the parts that the queries need of the model that made the index. The index remembers the
 * path of its bundle; `--bundle` overrides it.
 */
async function loadModel(
  index: ImageIndex,
  queries: readonly Query[],
  { bundle, device }: Options,
  signal: AbortSignal,
): Promise<LLM2CLIP> {
  const path = resolve(bundle ?? index.bundle.path);
  index.requireBundle({ path, digest: await bundleDigest(path) });
  return abortable(LLM2CLIP.load(path, { device, parts: partsFor(queries) }), signal);
}

async function searchAll(
  index: ImageIndex,
  model: LLM2CLIP,
  queries: readonly Query[],
  { count: k, json = false }: { count: number; json?: boolean },
  signal: AbortSignal,
): Promise<void> {
  for (const query of queries) {
    if (queries.length > 1 && !json) print(`${shownName(query.label)}:`);
    try {
      const vector = await query.vector(model, signal);
      const work = { queries: vector, k, threads: usableProcessors(), signal };
      const [result] = await index.search(work);
      show(query, result as SearchResult, json);
    } catch (error) {
      if (signal.aborted) throw error;
      showFailure(query, error, json);
    }
    await stdoutDrained();
  }
}

async function run(path: string, words: string[], options: Options): Promise<void> {
  const signal = interruptSignal();
  const queries = await queriesOf(words, options);
  const index = await ImageIndex.open(path);
  try {
    const model = await loadModel(index, queries, options, signal);
    try {
      await searchAll(index, model, queries, options, signal);
    } finally {
      if (!signal.aborted) await model.dispose();
    }
  } finally {
    await index.dispose();
  }
}

/** Makes the command `llm2clip search`. */
export function searchCommand(): Command {
  return new Command('search')
    .description('find the images of an index that are most similar to an image or a text')
    .argument('<index>', 'index file made by index')
    .argument('<query...>', 'image files, or texts such as "a red car"')
    .addOption(new Option('--image', 'treat every query as an image file').conflicts('text'))
    .addOption(new Option('--text', 'treat every query as a text'))
    .option('--bundle <bundle>', 'bundle that the index was made with, if it has moved')
    .option('-k, --count <n>', 'number of images to print per query', positiveInteger, 10)
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .option('--json', 'print one line of JSON per query')
    .action(run);
}
