// Prints a Markdown table of the time that each operator takes in a batch:
//
//   npm run bench:profile -- BUNDLE [--threads N] [--batch N] [--rounds N] [--images FOLDER]
//     [--tokens N]
//
// With --tokens, a batch of random texts of that length runs through the language model.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_IMAGES, loadImages } from '#lib/bench/images';
import { randomNumbers } from '#lib/bench/random';
import type { Manifest } from '#lib/bundle/manifest';
import { readManifest, readVisionManifest } from '#lib/bundle/open';
import { openEngine } from '#lib/engines/index';
import { fromNative, type ImagesSpec, type OperatorTime, type TextsSpec } from '#lib/native';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: String(availableParallelism()) },
    batch: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '10' },
    images: { type: 'string', default: DEFAULT_IMAGES },
    tokens: { type: 'string' },
  },
});
if (positionals[0] === undefined) throw new TypeError('expected a bundle, received none');
const [bundle] = positionals as [string];
const [threads, batch, rounds] = [options.threads, options.batch, options.rounds].map(Number) as [
  number,
  number,
  number,
];

/** Multiplications and additions in one call, or null for operators that memory limits. */
function operations({ name, shape }: OperatorTime): number | null {
  if (name.endsWith('linear')) return 2 * shape.reduce((product, size) => product * size, 1);
  const [images = 0, tokens = 0, packed = 0] = shape;
  if (name === 'llm2clip::attention') return 4 * images * tokens ** 2 * (packed / 3);
  return null;
}

function row(time: OperatorTime, all: OperatorTime): string {
  const inputs = all.calls * batch;
  const count = operations(time);
  const cells = [
    time.name.replace('llm2clip::', ''),
    time.shape.join(' × '),
    `${time.calls / all.calls}`,
    ((1000 * time.seconds) / inputs).toFixed(2),
    `${((100 * time.seconds) / all.seconds).toFixed(1)} %`,
    count === null ? '' : ((count * time.calls) / time.seconds / 1e9).toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

async function images(): Promise<ImagesSpec> {
  const { preprocessing, parts } = await readVisionManifest(bundle);
  const loaded = await loadImages([options.images], 'preprocessed', preprocessing);
  const length = 3 * preprocessing.size ** 2;
  const pixels = new Float32Array(batch * length);
  for (let i = 0; i < batch; i++) {
    const input = loaded.inputs[i % loaded.inputs.length] as { pixelValues: Float32Array };
    pixels.set(input.pixelValues, i * length);
  }
  const file = join(bundle, parts.vision as string);
  return { file, imageSize: preprocessing.size, threads, pixels };
}

function texts({ parts, text }: Manifest, tokens: number): TextsSpec {
  if (text?.llm === undefined) throw new TypeError('expected a bundle with a language model');
  const random = randomNumbers(1);
  const vocabulary = text.llm.model.vocabularySize;
  const one = () => ({
    ids: Int32Array.from({ length: tokens }, () => Math.floor(random() * vocabulary)),
    pooled: tokens,
  });
  const file = join(bundle, parts.llm as string);
  return { file, maxTokens: tokens, threads, texts: Array.from({ length: batch }, one) };
}

const manifest = await readManifest(bundle);
const engine = await openEngine(manifest.engine.kind);
const spec =
  options.tokens === undefined ? await images() : texts(manifest, Number(options.tokens));
const precision = options.tokens === undefined ? manifest.precision : manifest.text?.llm?.precision;
const times = await fromNative(engine.profile(spec, rounds));
const all = times.find(({ name }) => name === 'all') as OperatorTime;
const known = times.filter((time) => time !== all).sort((a, b) => b.seconds - a.seconds);
const rest = known.reduce((left, { seconds }) => left - seconds, all.seconds);
console.log(
  [
    `${precision}, batch ${batch}, ${threads} threads, ${rounds} rounds`,
    '',
    `| operator | of | calls | ms a ${options.tokens === undefined ? 'image' : 'text'} | share | GFLOP/s |`,
    '|---|---|---|---|---|---|',
    ...known.map((time) => row(time, all)),
    row({ name: 'between them', shape: [], calls: all.calls, seconds: rest }, all),
    row({ ...all, shape: [] }, all),
  ].join('\n'),
);
