// Embeds pictures by each of some bundles, and says by what: embed-pictures.mjs [PICTURE,…] BUNDLE…
// `unfit`: how many numbers of an embedding are no numbers, of an image with one NaN or infinity.
// Plain JavaScript: nothing compiles it at each start.
import { LLM2CLIP } from 'llm2clip';

const [pictures, ...bundles] = process.argv.slice(2);
const paths = JSON.parse(pictures);
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
