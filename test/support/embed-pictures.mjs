// Embeds images with each bundle, and prints the kernels used: embed-pictures.mjs [IMAGE,…] BUNDLE…
// It is plain JavaScript, so that it starts without compilation.
import { LLM2CLIP } from 'llm2clip';

const [pictures, ...bundles] = process.argv.slice(2);
const paths = JSON.parse(pictures);
for (const bundle of bundles) {
  const model = await LLM2CLIP.load(bundle, { threads: 2 });
  const { row } = await model.encodeImages(paths);
  const { precision, kernels } = model.info;
  console.log(JSON.stringify({ precision, kernels, rows: paths.map((_, i) => [...row(i)]) }));
  await model.dispose();
}
