import { join } from 'node:path';
import { resolveModel } from '#lib/checkpoint/layouts/index';
import { readCheckpoint } from '#lib/checkpoint/read';
import { DEFAULT_ENGINE, observingEngine, openEngine } from '#lib/engines/index';
import { rowCosines } from '#lib/eval/parity';
import { sampleImages } from '#lib/image/images';
import { type BuildSpec, FOR_CPU } from '#lib/native';
import { ENGINE } from './device.mts';

/**
 * Measures each layer's effect on the embeddings: by layerEffects(), and with only that layer in
 * int8.
 */
export async function effectsOn(imageFolder: string, checkpoint: string, folder: string) {
  const { config, weights, preprocessing } = resolveModel(await readCheckpoint(checkpoint));
  const engine = await openEngine(ENGINE ?? DEFAULT_ENGINE);
  const observer = observingEngine();
  const pixels = await sampleImages([imageFolder], 32, preprocessing);
  const images = (file: string) => ({ file, imageSize: config.imageSize, threads: 2, pixels });
  const build = async (name: string, rest: Pick<BuildSpec, 'precision' | 'quantisation'>) => {
    const output = join(folder, `${name}.pt`);
    const observe = rest.precision === 'fp32';
    const builder = observe ? observer : engine;
    await builder.build({ config, weights, portable: false, observe, output, ...FOR_CPU, ...rest });
    return output;
  };
  const observed = await build('observed', { precision: 'fp32', quantisation: [] });
  const { layers, embeddings } = await observer.calibrate(images(observed));
  const built = async (chosen: string) => {
    const quantisation = layers.map(({ name, smoothing }) => {
      return { name, quantised: name === chosen, smoothing: name === chosen ? smoothing : null };
    });
    const file = await build(chosen, { precision: 'int8', quantisation });
    return Math.min(
      ...rowCosines(await engine.embed(images(file)), embeddings, config.embeddingDim),
    );
  };
  return {
    layers,
    built,
    effects: (some = layers) => observer.layerEffects(images(observed), some),
  };
}
