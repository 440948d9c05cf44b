import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import llama3 from 'llama3-tokenizer-js';
import { TextTokenizer } from 'llm2clip';
import type { TokenizedText } from '#lib/text/tokenize';
import { tokenizerFiles } from '#lib/text/tokenizer-content';
import { textSamples } from '../tools/synthetic/texts.mts';
import { writeTinyTokenizer } from '../tools/synthetic/tokenizer.mts';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { llamaTokenizer } from './support/llama-tokenizer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { UNWATCHED } from './support/unwatched.mts';

const COUNT = 10_000;
/** The slower tokenizer reads every n-th sample. A release's run reads all of them. */
const EVERY = process.env.LLM2CLIP_STORM ? 1 : 4;
const BOS = 128_000;
const EOT = 128_009;
/** The tokens BOS, start of header, "user", end of header and two line breaks. */
const HEADER = [BOS, 128_006, 882, 128_007, 271];

interface Golden {
  seed: number;
  tokens: { ids: number[]; pooled: number }[];
  checksums: string;
}

const golden: Golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/goldens/tokenizer.json'), 'utf8'),
);
const samples = textSamples(COUNT, golden.seed);
const tiny = join(temporaryFolder(), 'tiny');
let tokenizer: TextTokenizer;
before(async () => {
  writeTinyTokenizer(tiny, ['photo', 'of', 'zero', 'one']);
  tokenizer = await TextTokenizer.fromFiles(tokenizerFiles(await llamaTokenizer()), UNWATCHED);
});
after(() => tokenizer.dispose());

function checksum({ ids, pooled }: TokenizedText): string {
  const bytes = Buffer.from(Int32Array.from([...ids, pooled]).buffer);
  return crc32(bytes).toString(16).padStart(8, '0');
}

const plain = ({ ids, pooled }: TokenizedText) => ({ ids: [...ids], pooled });

describe('10,000 texts', () => {
  let found: TokenizedText[] = [];
  before(async () => {
    found = await tokenizer.encodeMany(samples);
  });

  it('as in transformers', () => {
    assert.deepEqual(found.slice(0, golden.tokens.length).map(plain), golden.tokens);
    const wrong = found.flatMap((text, i) =>
      checksum(text) === golden.checksums.slice(8 * i, 8 * i + 8) ? [] : [i],
    );
    assert.deepEqual(wrong, []);
  });

  it('as in llama3-tokenizer-js, except for characters that only JavaScript treats as whitespace', () => {
    let compared = 0;
    for (const [i, sample] of samples.entries()) {
      // In that tokenizer `\s` is JavaScript's, and it neither strips the text nor treats the
      // separator specially.
      const last = sample.at(-1) ?? '';
      if (i % EVERY > 0 || /[\ufeff\x85]|\s$|!@#\$%/.test(sample) || last <= ' ') continue;
      const whole = `<|start_header_id|>user<|end_header_id|>\n\n${sample}<|eot_id|>`;
      const expected = llama3.encode(whole, { bos: true, eos: false }).slice(0, 512);
      assert.deepEqual([...(found[i]?.ids ?? [])], expected, JSON.stringify(sample));
      compared++;
    }
    assert.ok(compared > COUNT / EVERY / 2, `${compared}`);
  });

  it('one by one equal to all together', async () => {
    for (const i of [0, 1, 17, 300, COUNT - 1]) {
      assert.deepEqual(await tokenizer.encode(samples[i] ?? ''), found[i]);
    }
  });
});

describe('the prompt', () => {
  it('averages the text and the end token, but not BOS and the header', async () => {
    const { ids, pooled } = await tokenizer.encode('a cat');
    assert.deepEqual([...ids], [...HEADER, 64, 8415, EOT]);
    assert.equal(pooled, 3);
  });

  it('loses trailing whitespace and keeps leading whitespace', async () => {
    const [bare, trailing, leading] = await tokenizer.encodeMany(['a', 'a \n\u3000\u001f', ' \na']);
    assert.deepEqual(trailing, bare);
    assert.notDeepEqual(leading, bare);
    // The two line breaks of the header, a space and another line break become two tokens together.
    assert.deepEqual([...(leading?.ids ?? [])].slice(0, 4), HEADER.slice(0, 4));
  });

  it('of an empty text is the end token alone', async () => {
    for (const text of ['', '  \n']) {
      assert.deepEqual(plain(await tokenizer.encode(text)), { ids: [...HEADER, EOT], pooled: 1 });
    }
  });

  it('is cut at 512 tokens, and averages all of them where the text fills them', async () => {
    const lengths = [506, 507, 508, 509, 510, 511, 600];
    const found = await tokenizer.encodeMany(lengths.map((n) => ' cat'.repeat(n)));
    assert.deepEqual(
      found.map(({ ids, pooled }) => [ids.length, pooled, ids.at(-1) === EOT]),
      [
        [512, 507, true],
        [512, 508, false],
        [512, 509, false],
        [512, 510, false],
        [512, 511, false],
        [512, 512, false],
        [512, 512, false],
      ],
    );
  });

  it('reads lone surrogates as U+FFFD, and special tokens as such', async () => {
    const [lone, replaced, special] = await tokenizer.encodeMany([
      'a\ud800b\udc00',
      'a\ufffdb\ufffd',
      'a<|eot_id|>b',
    ]);
    assert.deepEqual(lone, replaced);
    assert.deepEqual([...(special?.ids ?? [])], [...HEADER, 64, EOT, 65, EOT]);
  });

  it("removes the reference's separator, and counts the tokens before it", async () => {
    const separated = plain(await tokenizer.encode('a cat!@#$%^&*() sat'));
    assert.deepEqual(separated, { ids: [...HEADER, 64, 8415, 7731, EOT], pooled: 2 });
    const first = await tokenizer.encode('!@#$%^&*()a cat');
    assert.equal(first.pooled, first.ids.length);
  });
});

describe('batches', () => {
  const texts = ['a cat', 'two dogs in the snow'];

  it('are padded on the left with the end of sequence', async () => {
    const batch = await tokenizer.batch(texts);
    const [short, long] = await tokenizer.encodeMany(texts);
    assert.ok(short && long);
    assert.deepEqual(batch.shape, [2, 16]);
    assert.deepEqual([...batch.lengths], [short.ids.length, long.ids.length]);
    const row = (data: Int32Array | Uint8Array, i: number) => [
      ...data.subarray(16 * i, 16 * i + 16),
    ];
    for (const [i, text] of [short, long].entries()) {
      const padding = 16 - text.ids.length;
      assert.deepEqual(row(batch.ids, i), [...new Array(padding).fill(EOT), ...text.ids]);
      const mask = (ones: number) => [...new Array(16 - ones).fill(0), ...new Array(ones).fill(1)];
      assert.deepEqual(row(batch.attentionMask, i), mask(text.ids.length));
      assert.deepEqual(row(batch.poolMask, i), mask(text.pooled));
    }
    assert.equal(tokenizer.padId, EOT);
  });

  it('are padded to a multiple, to a bucket, or to a longer text', async () => {
    const width = async (padTo: number | number[]) =>
      (await tokenizer.batch(texts, { padTo })).shape[1];
    assert.deepEqual(
      [await width(1), await width(7), await width([64, 32]), await width([4])],
      [11, 14, 32, 11],
    );
    assert.equal((await tokenizer.batch(['cat'.repeat(2000)], { padTo: 500 })).shape[1], 512);
    assert.deepEqual((await tokenizer.batch([])).shape, [0, 0]);
  });
});

describe('a tokenizer of the same kind', () => {
  it('has its own ids', async () => {
    await using small = await TextTokenizer.fromFolder(tiny);
    const { ids, pooled } = await small.encode('a photo of zero');
    const bytes = ids.filter((id) => id < 256).length;
    // "user", two line breaks and "a" are encoded as bytes. Each word after a space is one token.
    assert.deepEqual([bytes, ids.length - bytes, pooled], [4 + 2 + 1, 4 + 3, 5]);
    assert.ok(small.vocabularySize < 300 && Math.max(...ids) < small.vocabularySize);
    assert.equal(small.padId, ids.at(-1));
  });

  it('needs no disposal for the process to end', async () => {
    const script = `
      const { TextTokenizer } = require('llm2clip');
      TextTokenizer.fromFolder(${JSON.stringify(tiny)})
        .then((tokenizer) => tokenizer.encode('one'))
        .then(({ pooled }) => console.log(pooled));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
      cwd: join(import.meta.dirname, '..'),
      timeout: 600_000,
    });
    assert.equal(stdout.trim(), '4'); // three bytes and the end token
  });
});

describe('bad input', () => {
  const argument = (name: string) => (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ERR_INVALID_ARG');
    assert.match(error.message, new RegExp(name.replace(/[[\]]/g, '\\$&')));
    return true;
  };

  it('is rejected, and the next text is right', async () => {
    const wrong = (value: unknown) => value as string;
    await assert.rejects(tokenizer.encode(wrong(7)), argument('for text,'));
    await assert.rejects(tokenizer.encodeMany(['a', wrong(null)]), argument('texts[1]'));
    await assert.rejects(tokenizer.encodeMany(wrong('a') as never), argument('texts'));
    for (const padTo of [0, 513, 1.5, [], [0], wrong('8')]) {
      await assert.rejects(tokenizer.batch(['a'], { padTo: padTo as number }), argument('padTo'));
    }
    assert.equal((await tokenizer.encode('a')).ids.length, 7);
  });

  it('stops when aborted', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    await assert.rejects(tokenizer.encodeMany(['a'], { signal: aborted }), /enough/);
    const later = new AbortController();
    const work = tokenizer.encodeMany(samples, { signal: later.signal });
    later.abort(new Error('later'));
    await assert.rejects(work, /later/);
  });

  it('a disposal rejects pending and later calls', async () => {
    const other = await TextTokenizer.fromFolder(tiny);
    const owed = other.encode('a');
    await Promise.all([
      rejectsWith(owed, 'ERR_DISPOSED', /disposed/),
      other.dispose(),
      other.dispose(),
    ]);
    await rejectsWith(other.encode('a'), 'ERR_DISPOSED', /disposed/);
  });
});

describe('invalid tokenizers', () => {
  const folder = temporaryFolder();
  let made = 0;
  /** Opens a folder with this content in its tokenizer.json. */
  const open = (content: string | Uint8Array) => {
    const path = join(folder, String(made++));
    mkdirSync(path);
    writeFileSync(join(path, 'tokenizer.json'), content);
    return TextTokenizer.fromFolder(path);
  };
  const model = { type: 'BPE', vocab: { a: 0 }, merges: [] };
  const parts = { added_tokens: [], pre_tokenizer: { type: 'ByteLevel' }, model };
  const whole = {
    ...parts,
    normalizer: null,
    post_processor: null,
    decoder: { type: 'ByteLevel' },
  };

  const nested = (levels: number): object =>
    levels === 0 ? {} : { type: 'Sequence', normalizers: [nested(levels - 1)] };

  const freshTiny = (words: string[] = []): string => {
    const path = join(folder, `tiny-${made++}`);
    writeTinyTokenizer(path, words);
    return path;
  };

  it('that is missing', async () => {
    await rejectsWith(TextTokenizer.fromFolder(folder), 'ERR_NOT_FOUND', /tokenizer\.json/);
  });

  const corrupt: [string, string | Uint8Array][] = [
    ['empty', ''],
    ['truncated', '{"model": {"vocab": {'],
    ['bad UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['an array', '[]'],
    ['without a model', '{}'],
    ['with ids that are none', JSON.stringify({ ...whole, model: { ...model, vocab: { a: -1 } } })],
    ['with merges that are none', JSON.stringify({ ...whole, model: { ...model, merges: ['a'] } })],
    ['without added tokens', JSON.stringify({ ...whole, added_tokens: [{}] })],
    ['without a pre-tokenizer', JSON.stringify({ ...whole, pre_tokenizer: null })],
    ['without a decoder', JSON.stringify(parts)],
    ['nested', '['.repeat(1_000_000)],
    ['nested where it is read', JSON.stringify({ ...whole, normalizer: nested(100) })],
  ];
  for (const [what, content] of corrupt) {
    it(what, () => rejectsWith(open(content), 'ERR_CHECKPOINT_FORMAT', /tokenizer\.json/));
  }

  it('of another kind', async () => {
    const other = JSON.stringify({ ...whole, model: { ...model, type: 'Unigram' } });
    await rejectsWith(open(other), 'ERR_CHECKPOINT_UNSUPPORTED', /Unigram/);
    await rejectsWith(open(JSON.stringify(whole)), 'ERR_CHECKPOINT_UNSUPPORTED', /begin_of_text/);
  });

  it('with a pattern of an unknown kind, which would be left out', async () => {
    const json = JSON.parse(readFileSync(join(freshTiny(), 'tokenizer.json'), 'utf8'));
    const [split] = json.pre_tokenizer.pretokenizers;
    for (const pattern of [{ Regexp: 'a' }, {}, 'a', undefined, { Regex: 1 }]) {
      split.pattern = pattern;
      await rejectsWith(open(JSON.stringify(json)), 'ERR_CHECKPOINT_UNSUPPORTED', /Split.*pattern/);
    }
    const replace = { type: 'Replace', pattern: {}, content: '' };
    for (const key of ['normalizer', 'decoder']) {
      const other = JSON.stringify({ ...whole, [key]: replace });
      await rejectsWith(open(other), 'ERR_CHECKPOINT_UNSUPPORTED', /Replace.*pattern/);
    }
  });

  it('that treats a special token as text', async () => {
    const tiny = freshTiny();
    const json = JSON.parse(readFileSync(join(tiny, 'tokenizer.json'), 'utf8'));
    const { id, content } = json.added_tokens.pop();
    json.model.vocab[content] = id;
    await rejectsWith(open(JSON.stringify(json)), 'ERR_CHECKPOINT_UNSUPPORTED', /eot_id.* as text/);
  });

  it('with a merge that makes a token without an id', async () => {
    const json = JSON.parse(readFileSync(join(freshTiny(['photo']), 'tokenizer.json'), 'utf8'));
    delete json.model.vocab.Ġphoto;
    const problem = /merges to "Ġphoto", which is not in its "vocab"/;
    await rejectsWith(open(JSON.stringify(json)), 'ERR_CHECKPOINT_FORMAT', problem);
    json.model.merges = json.model.merges.map((merge: string) => merge.split(' '));
    await rejectsWith(open(JSON.stringify(json)), 'ERR_CHECKPOINT_FORMAT', problem);
  });

  it('that lacks its token for what is unknown', async () => {
    const json = JSON.parse(readFileSync(join(freshTiny(), 'tokenizer.json'), 'utf8'));
    // The character of the byte 0xf1, with which U+50000 begins.
    delete json.model.vocab['\u00f1'];
    json.model.unk_token = '<unknown>';
    await using tokenizer = await open(JSON.stringify(json));
    await rejectsWith(tokenizer.encode('\u{50000}'), 'ERR_CHECKPOINT_UNSUPPORTED', /no token for/);
    assert.equal((await tokenizer.encode('a')).ids.at(-1), tokenizer.padId);
  });

  it('that lacks tokens for some bytes', async () => {
    const json = JSON.parse(readFileSync(join(freshTiny(), 'tokenizer.json'), 'utf8'));
    delete json.model.vocab['\u0100'];
    await rejectsWith(
      open(JSON.stringify(json)),
      'ERR_CHECKPOINT_UNSUPPORTED',
      /does not decode tokens/,
    );
  });
});
