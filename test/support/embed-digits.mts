// Embeds the digits that there are goldens of, and says by what: embed-digits.mts BUNDLE
import { join } from 'node:path';
import { LLM2CLIP } from 'llm2clip';
import { DIGITS, goldenDigits } from './digits.mts';

await using model = await LLM2CLIP.load(process.argv[2] ?? '', { threads: 2 });
const paths = [...goldenDigits().keys()].map((path) => join(DIGITS, path));
const { row } = await model.encodeImages(paths);
const { precision, kernels } = model.info;
console.log(JSON.stringify({ precision, kernels, rows: paths.map((_, i) => [...row(i)]) }));
