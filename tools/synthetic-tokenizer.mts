// Writes Llama 3's tokenizer.json in the published layout, and texts to tokenise:
//
//   node --import tsx tools/synthetic-tokenizer.mts --out FOLDER [--texts 10000] [--seed 1] [--words photo,of]
//
// With --words, it writes a tokenizer of the same kind that has only these words.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { textSamples } from './synthetic/texts.mts';
import { writeLlamaTokenizer, writeTinyTokenizer } from './synthetic/tokenizer.mts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    texts: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    words: { type: 'string' },
  },
});
if (values.out === undefined) {
  console.error('expected --out FOLDER');
  process.exit(2);
}
if (values.words === undefined) writeLlamaTokenizer(values.out);
else writeTinyTokenizer(values.out, values.words.split(','));
const texts = textSamples(Number(values.texts), Number(values.seed));
if (texts.length > 0) writeFileSync(join(values.out, 'texts.json'), JSON.stringify(texts));
