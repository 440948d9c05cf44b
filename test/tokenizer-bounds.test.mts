// Tests tokenizers that add special tokens other than BOS, and those that never end.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { TextTokenizer } from 'llm2clip';
import { tokenizerFiles } from '#lib/text/tokenizer-content';
import type { Watch } from '#lib/text/tokenizer-thread';
import { writeTinyTokenizer } from '../tools/synthetic/tokenizer.mts';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { temporaryFolder } from './support/temporary.mts';
import { UNWATCHED } from './support/unwatched.mts';

interface Goldens {
  versions: { transformers: string };
  words: string[];
  texts: string[];
  cases: { name: string; postProcessor: unknown; tokens: { ids: number[]; pooled: number }[] }[];
}

const goldens: Goldens = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/goldens/post-processors.json'), 'utf8'),
);
const folder = temporaryFolder();
let made = 0;
let published: Record<string, unknown>;
before(() => {
  writeTinyTokenizer(join(folder, 'tiny'), goldens.words);
  published = JSON.parse(readFileSync(join(folder, 'tiny/tokenizer.json'), 'utf8'));
});

/** Makes a folder with a changed copy of the tiny tokenizer. */
function changed(change: Record<string, unknown>): string {
  const path = join(folder, String(made++));
  mkdirSync(path);
  writeFileSync(join(path, 'tokenizer.json'), JSON.stringify({ ...published, ...change }));
  return path;
}

describe(`what a post-processor adds, as transformers ${goldens.versions.transformers} has it`, () => {
  for (const { name, postProcessor, tokens } of goldens.cases) {
    it(name, async () => {
      await using tokenizer = await TextTokenizer.fromFolder(
        changed({ post_processor: postProcessor }),
      );
      const found = await tokenizer.encodeMany(goldens.texts);
      assert.deepEqual(
        found.map(({ ids, pooled }) => ({ ids: [...ids], pooled })),
        tokens,
      );
    });
  }

  it('but unknown tokens and changes of the text are refused', async () => {
    const special = { SpecialToken: { id: '<|nowhere|>', type_id: 0 } };
    const sequence = { Sequence: { id: 'A', type_id: 0 } };
    for (const single of [[special, sequence], [], Array(40).fill(special).concat(sequence)]) {
      const processor = { type: 'TemplateProcessing', single, pair: single, special_tokens: {} };
      const opened = TextTokenizer.fromFolder(changed({ post_processor: processor }));
      await rejectsWith(opened, 'ERR_CHECKPOINT_UNSUPPORTED', /tokenizer\.json/);
    }
  });
});

const split = (pattern: string) => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
});
/**
 * A pattern that takes 2ⁿ steps for n copies of the character. The texts that check a new tokenizer
 * do not contain it.
 */
const endless = (character: string) => split(`(${character}+)+$|.`);
const ENDLESS_TEXT = `${'\u4e00'.repeat(60)}b`;

const doubling = (character: string) => ({
  type: 'Sequence',
  normalizers: Array.from({ length: 60 }, () => ({
    type: 'Replace',
    pattern: { String: character },
    content: character + character,
  })),
});

/** A watch whose time-outs come only from the test. */
class Bounds {
  #expire: (() => void) | undefined;
  watched = 0;
  readonly watch: Watch = (_, expire) => {
    this.watched += 1;
    this.#expire = expire;
    return () => {
      if (this.#expire === expire) this.#expire = undefined;
    };
  };

  expire(): void {
    assert.ok(this.#expire, 'nothing is waited for');
    this.#expire();
  }
}

describe('a tokenizer that never ends', () => {
  it('is refused if it never opens', async () => {
    const bounds = new Bounds();
    const files = tokenizerFiles(changed({ pre_tokenizer: split('(\\p{L}+)+$|(.|[^x])*$') }));
    let over = false;
    const watch: Watch = (ms, expire) => {
      const cancel = bounds.watch(ms, expire);
      setImmediate(() => {
        over = true;
        bounds.expire();
      });
      return cancel;
    };
    await rejectsWith(
      TextTokenizer.fromFiles(files, watch),
      'ERR_CHECKPOINT_UNSUPPORTED',
      /tokenizer\.json .*takes more than \d+ s to open/,
    );
    assert.ok(over);
  });

  it('fails only the text that it hangs on, and continues with the others', async () => {
    const bounds = new Bounds();
    const path = changed({ pre_tokenizer: endless('\u4e00') });
    await using tokenizer = await TextTokenizer.fromFiles(tokenizerFiles(path), bounds.watch);
    const first = await tokenizer.encode('a photo of zero');
    const hanging = tokenizer.encode(ENDLESS_TEXT);
    const others = ['one', 'a photo of zero'].map((text) => tokenizer.encode(text));
    const again = tokenizer.encode(ENDLESS_TEXT);
    const last = tokenizer.encode('zero');
    bounds.expire();
    await rejectsWith(hanging, 'ERR_CHECKPOINT_UNSUPPORTED', /takes more than \d+ s for a text/);
    assert.deepEqual((await Promise.all(others))[1], first);
    bounds.expire();
    await rejectsWith(again, 'ERR_CHECKPOINT_UNSUPPORTED', /takes more than/);
    await last;
    assert.deepEqual(await tokenizer.encode('a photo of zero'), first);
  });

  it('does not keep its disposal waiting', async () => {
    const bounds = new Bounds();
    const path = changed({ pre_tokenizer: endless('\u4e00') });
    const tokenizer = await TextTokenizer.fromFiles(tokenizerFiles(path), bounds.watch);
    const hanging = tokenizer.encode(ENDLESS_TEXT);
    await Promise.all([rejectsWith(hanging, 'ERR_DISPOSED', /disposed/), tokenizer.dispose()]);
    await rejectsWith(tokenizer.encode('a'), 'ERR_DISPOSED', /disposed/);
  });

  it('or doubles a text beyond memory, is refused or fails only that text', async () => {
    const open = (character: string) => {
      const files = tokenizerFiles(changed({ normalizer: doubling(character) }));
      return TextTokenizer.fromFiles(files, UNWATCHED, 64);
    };
    await rejectsWith(open('a'), 'ERR_CHECKPOINT_UNSUPPORTED', /tokenizer\.json/);
    await using tokenizer = await open('\u4e00');
    const first = await tokenizer.encode('a photo of zero');
    const [grown, other] = await Promise.allSettled([
      tokenizer.encode('a \u4e00'),
      tokenizer.encode('a photo of zero'),
    ]);
    assert.equal(grown.status, 'rejected');
    assert.equal(grown.status === 'rejected' && grown.reason.code, 'ERR_CHECKPOINT_UNSUPPORTED');
    assert.deepEqual(other.status === 'fulfilled' && other.value, first);
  });

  it('gets a new time limit for each request', async () => {
    const bounds = new Bounds();
    await using tokenizer = await TextTokenizer.fromFiles(
      tokenizerFiles(join(folder, 'tiny')),
      bounds.watch,
    );
    const { watched } = bounds;
    await Promise.all(['one', 'zero', 'of'].map((text) => tokenizer.encode(text)));
    assert.equal(bounds.watched - watched, 3);
    assert.throws(() => bounds.expire(), /nothing is waited for/);
  });
});
