/** tokenizer.json, whose patterns and normalizers may run for ever until the product ends them. */
import { openTokenizer } from '#lib/text/tokenizer-file';
import { mutateBytes } from '../byte-mutations.mts';
import { mutateJson } from '../json-mutations.mts';
import type { Random } from '../random.mts';
import { CHECKPOINT_REFUSAL, refusedOr } from '../refusal.mts';
import { seedsOf } from '../seeds.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = seedsOf('.tokenizer').map((bytes) => {
  const { model, ...rest } = JSON.parse(bytes.toString());
  return { bytes, model: JSON.stringify(model), rest: JSON.stringify(rest) };
});
const PIECES = ['(', ')', '+', '*', '?', '|', '(?!', '\\\\p{L}', '[^', ']', '$', '{0,9}'];
const TEXT = 'a photo of two 汉字\r\n and 12345 more';

/** Inserts a piece of a regular expression into one of the patterns. */
function mutatePattern(json: string, random: Random): string {
  const patterns = [...json.matchAll(/"(?:Regex|content)":"(?:[^"\\]|\\.)*"/g)];
  if (patterns.length === 0) return json;
  const { 0: text, index } = random.pick(patterns);
  const at = index + text.indexOf(':"') + 2 + random.below(text.length - text.indexOf(':"') - 2);
  return json.slice(0, at) + random.pick(PIECES) + json.slice(at);
}

export const target: Target = {
  mayGoOn: true,
  next(random) {
    const { bytes, model, rest } = random.pick(SEEDS);
    if (random.below(16) === 0) {
      return { bytes: changed(bytes, random, (old) => mutateBytes(old, random)) };
    }
    const kind = random.below(4);
    const change = kind === 0 ? mutatePattern : mutateJson;
    // Most of a file is its vocabulary, which should get only a few of the changes.
    const [parts, others] =
      kind === 1
        ? [changed(model, random, (text) => mutateJson(text, random)), rest]
        : [model, changed(rest, random, (text) => change(text, random))];
    return { bytes: Buffer.from(`${others.slice(0, -1)},"model":${parts}}`) };
  },
  run({ bytes }) {
    return refusedOr(CHECKPOINT_REFUSAL, () => {
      const { encode, vocabularySize, padId } = openTokenizer({
        path: '/fuzz/tokenizer.json',
        bytes,
      });
      const isId = (id: number) => Number.isInteger(id) && id >= 0 && id < vocabularySize;
      if (![padId, ...encode(TEXT)].every(isId))
        throw new RangeError('an id beyond the vocabulary');
      return 'opened';
    });
  },
};
