// Embeds the digits that there are goldens of, and says by what, a line for each bundle:
// embed-digits.mts BUNDLE…
import { join } from 'node:path';
import { LLM2CLIP } from 'llm2clip';
import { DIGITS, goldenDigits } from './digits.mts';

const paths = [...goldenDigits().keys()].map((path) => join(DIGITS, path));
for (const bundle of process.argv.slice(2)) {
  await using model = await LLM2CLIP.load(bundle, { threads: 2 });
  const { row } = await model.encodeImages(paths);
  const { precision, kernels } = model.info;
  console.log(JSON.stringify({ precision, kernels, rows: paths.map((_, i) => [...row(i)]) }));
}
