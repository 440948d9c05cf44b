// Keeps int8 close to fp32: the linear layers whose rounding moves the embeddings most stay in
// bf16. The error of a layer's own output says little about the embeddings; it is only recorded.
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Quantisation } from '../bundle/quantisation';
import type { VisionConfig } from '../checkpoint/vision-config';
import { LLM2CLIPError } from '../errors';
import { boundedCosine, formatCosine, GATES, rowCosines } from '../eval/parity';
import {
  type BuildSpec,
  type Calibration,
  FOR_CPU,
  fromNative,
  type NativeEngine,
} from '../native';
import { usableProcessors } from '../runtime/processors';

/**
 * If all layers in int8 miss the gate, each attempt keeps this percentage of the layers in bf16.
 */
const KEPT_PERCENT = [5, 10, 20, 40] as const;

/** Number of images that layers are ranked by. */
const RANKED_BY = 2;

/**
 * Number of layers that are ranked in one step. A step cannot be aborted; with L/14 it takes half a
 * minute.
 */
const RANKED_AT_ONCE = 8;

/**
 * The fraction of a conversion that is done before each step. `attempts` has one value per attempt.
 */
const BEFORE = {
  observe: 0.05,
  calibrate: 0.15,
  rank: 0.3,
  attempts: [0.25, 0.45, 0.5, 0.6, 0.65],
} as const;

export interface CalibratedBuild extends Pick<BuildSpec, 'weights' | 'output'> {
  config: VisionConfig;
  /** Builds the int8 engine. */
  engine: Pick<NativeEngine, 'build' | 'embed'>;
  /** Observes the linear layers in fp32. */
  observer: Pick<NativeEngine, 'build' | 'calibrate' | 'layerEffects'>;
  /** Preprocessed images [n, 3, S, S]. */
  pixels: Float32Array;
  /** Accept the best engine if none meets the gate. */
  force: boolean;
  signal: AbortSignal | undefined;
  onProgress: (progress: { stage: 'calibrate' | 'build'; fraction: number }) => void;
}

interface Observed extends Calibration {
  /** The fp32 engine that observed its linear layers. */
  file: string;
}

/** An int8 engine with some layers in bf16. */
interface Attempt {
  file: string;
  parameters: number;
  /** Names of the layers in bf16. */
  kept: ReadonlySet<string>;
  /** For each image, the cosine between its embeddings in int8 and in fp32. */
  cosines: number[];
  /** The lowest of `cosines`. */
  minCosine: number;
}

type Rest = Pick<BuildSpec, 'precision' | 'observe' | 'quantisation' | 'output'>;

function build(
  engine: Pick<NativeEngine, 'build'>,
  { config, weights, signal }: CalibratedBuild,
  rest: Rest,
) {
  signal?.throwIfAborted();
  return fromNative(engine.build({ config, weights, portable: false, ...FOR_CPU, ...rest }));
}

function imagesFor(file: string, { config, pixels, signal }: CalibratedBuild) {
  signal?.throwIfAborted();
  return { file, imageSize: config.imageSize, threads: usableProcessors(), pixels };
}

/** Builds an fp32 engine that observes its linear layers, and runs the images through it. */
async function observe(spec: CalibratedBuild, scratch: string): Promise<Observed> {
  const file = join(scratch, 'observed');
  spec.onProgress({ stage: 'calibrate', fraction: BEFORE.observe });
  const fp32: Rest = { precision: 'fp32', observe: true, quantisation: [], output: file };
  await build(spec.observer, spec, fp32);
  spec.onProgress({ stage: 'calibrate', fraction: BEFORE.calibrate });
  const { embeddings, layers } = await fromNative(spec.observer.calibrate(imagesFor(file, spec)));
  return {
    file,
    embeddings,
    layers: layers.map((layer) => ({ ...layer, cosine: boundedCosine(layer.cosine) })),
  };
}

async function attempt(
  spec: CalibratedBuild,
  { layers, embeddings }: Calibration,
  kept: ReadonlySet<string>,
  file: string,
): Promise<Attempt> {
  const quantisation = layers.map(({ name, smoothing }) =>
    kept.has(name)
      ? { name, quantised: false, smoothing: null }
      : { name, quantised: true, smoothing },
  );
  const int8 = { precision: 'int8', observe: false, quantisation, output: file } as const;
  const { parameters } = await build(spec.engine, spec, int8);
  const found = await fromNative(spec.engine.embed(imagesFor(file, spec)));
  const cosines = rowCosines(found, embeddings, spec.config.embeddingDim);
  return { file, parameters, kept, cosines, minCosine: Math.min(...cosines) };
}

/** Returns the images with the lowest cosines. `pixels` is [n, 3, S, S]. */
function worstImages(pixels: Float32Array, cosines: readonly number[]): Float32Array {
  const length = pixels.length / cosines.length;
  const order = [...cosines.keys()].sort((a, b) => (cosines[a] ?? 0) - (cosines[b] ?? 0));
  const worst = order.slice(0, RANKED_BY);
  const chosen = new Float32Array(worst.length * length);
  for (const [i, image] of worst.entries()) {
    chosen.set(pixels.subarray(image * length, (image + 1) * length), i * length);
  }
  return chosen;
}

/**
 * Returns the names of the layers, sorted by how far each one, alone in int8, moves the embeddings
 * of the worst images. The layer with the largest effect comes first.
 */
async function rank(
  spec: CalibratedBuild,
  { file, layers }: Observed,
  cosines: readonly number[],
): Promise<string[]> {
  const pixels = worstImages(spec.pixels, cosines);
  const share = (BEFORE.attempts[1] - BEFORE.rank) / layers.length;
  const effects = new Map<string, number>();
  for (let i = 0; i < layers.length; i += RANKED_AT_ONCE) {
    spec.onProgress({ stage: 'calibrate', fraction: BEFORE.rank + share * i });
    const some = layers.slice(i, i + RANKED_AT_ONCE);
    const images = imagesFor(file, { ...spec, pixels });
    const found = await fromNative(spec.observer.layerEffects(images, some));
    for (const [j, { name }] of some.entries()) {
      effects.set(name, boundedCosine(found[j] ?? Number.NaN));
    }
  }
  return [...effects].sort(([, a], [, b]) => a - b).map(([name]) => name);
}

/**
 * Returns the sets of layers to keep in bf16, one set per attempt. Each set contains the one
 * before.
 */
function keptSets(worst: readonly string[]): ReadonlySet<string>[] {
  const counts = KEPT_PERCENT.map((percent) => Math.ceil((percent * worst.length) / 100));
  return [...new Set(counts)].map((count) => new Set(worst.slice(0, count)));
}

/**
 * Keeps more and more layers in bf16 until the gate is met. Deletes all engine files but the best.
 */
async function search(spec: CalibratedBuild, observed: Observed, scratch: string) {
  const next = (kept: ReadonlySet<string>, i: number) => {
    spec.onProgress({ stage: 'build', fraction: BEFORE.attempts[i] ?? 0 });
    return attempt(spec, observed, kept, join(scratch, `${i}`));
  };
  let best = await next(new Set(), 0);
  const allInt8MinCosine = best.minCosine;
  const worst = allInt8MinCosine < GATES.int8 ? await rank(spec, observed, best.cosines) : [];
  await rm(observed.file);
  for (const [i, kept] of keptSets(worst).entries()) {
    if (best.minCosine >= GATES.int8) break;
    const other = await next(kept, i + 1);
    const [better, worse] = other.minCosine > best.minCosine ? [other, best] : [best, other];
    await rm(worse.file);
    best = better;
  }
  return { best, allInt8MinCosine };
}

function belowGate({ kept, minCosine }: Attempt, images: number, layers: number): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_PARITY',
    `expected a cosine to fp32 of at least ${GATES.int8} of each of ${images} images, found ` +
      `${formatCosine(minCosine)} at best, with ${kept.size} of ${layers} layers in bf16; calibrate ` +
      'with images more like those to be encoded, convert with --precision bf16, or accept it with ' +
      '--force',
  );
}

/**
 * Writes an int8 engine with as many linear layers in int8 as the gate allows on the images. Layers
 * are smoothed where that helps, and those that move the embeddings most stay in bf16. Intermediate
 * files are in a folder beside the output, which is deleted at the end.
 *
 * @throws LLM2CLIPError ERR_PARITY if the gate is not met and `force` is false, and the errors of
 *   building; `signal.reason`
 */
export async function buildCalibrated(
  spec: CalibratedBuild,
): Promise<{ parameters: number; quantisation: Quantisation }> {
  const scratch = await mkdtemp(join(dirname(spec.output), 'calibration-'));
  try {
    const observed = await observe(spec, scratch);
    const { best, allInt8MinCosine } = await search(spec, observed, scratch);
    const images = observed.embeddings.length / spec.config.embeddingDim;
    const { kept, minCosine, parameters } = best;
    if (minCosine < GATES.int8 && !spec.force) {
      throw belowGate(best, images, observed.layers.length);
    }
    spec.signal?.throwIfAborted();
    await rename(best.file, spec.output);
    const layers = observed.layers.map(({ name, cosine }) => {
      const precision = kept.has(name) ? ('bf16' as const) : ('int8' as const);
      return { name, precision, cosine };
    });
    const gate = GATES.int8;
    return {
      parameters,
      quantisation: { pictures: images, gate, allInt8MinCosine, minCosine, layers },
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
