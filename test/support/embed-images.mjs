// Embeds images with each bundle, and prints the kernels used: embed-images.mjs [IMAGE,…] BUNDLE…
// `unfit`: the share of NaN in the embedding of an image with one NaN, and of one with one infinity.
// It is plain JavaScript, so that it starts without compilation.
import { LLM2CLIP } from 'llm2clip';

const [images, ...bundles] = process.argv.slice(2);
const paths = JSON.parse(images);
for (const bundle of bundles) {
  const model = await LLM2CLIP.load(bundle, { threads: 2 });
  const { row } = await model.encodeImages(paths);
  const { precision, kernels, imageSize } = model.info;
  const rows = paths.map((_, i) => [...row(i)]);
  const unfit = [];
  for (const x of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const pixelValues = new Float32Array(3 * imageSize ** 2).fill(0.5);
    pixelValues[imageSize + 1] = x;
    const shape = [1, 3, imageSize, imageSize];
    const embedding = await model.encodeImage({ pixelValues, shape });
    unfit.push(embedding.filter(Number.isNaN).length / embedding.length);
  }
  console.log(JSON.stringify({ precision, kernels, rows, unfit }));
  await model.dispose();
}
