// Tests JSON in manifests and index notes that is deeply nested or has values of unexpected types.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { VectorIndex } from 'llm2clip';
import { allocateRows } from '#lib/allocate';
import { parseManifest } from '#lib/bundle/manifest';
import { LLM2CLIPError } from '#lib/errors';
import { ImageCatalogue } from '#lib/search/image-catalogue';
import { readNote } from '#lib/search/note';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { temporaryFolder } from './support/temporary.mts';

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const DEPTHS = [65, 1000, 100_000];

const coded =
  (...codes: string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof LLM2CLIPError, String(error));
    assert.ok(codes.includes(error.code), error.code);
    return true;
  };

describe('a manifest', () => {
  const invalid = coded('ERR_BUNDLE_INVALID', 'ERR_ENGINE_INCOMPATIBLE');
  it('that is deeply nested anywhere', () => {
    for (const levels of DEPTHS) {
      const value = deep(levels);
      for (const text of [
        value,
        `{"formatVersion": ${value}}`,
        `{"formatVersion": 1, "parts": ${value}}`,
        `{"formatVersion": 1, "parts": {"vision": "a"}, "model": {"family": ${value}}}`,
        `{"formatVersion": 1, "unknown": ${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`,
      ]) {
        assert.throws(() => parseManifest(text), invalid);
      }
    }
  });

  it('that has values of other types', () => {
    const values = ['null', '7', '"text"', '[]', '{}', 'true', '1e400', '[null]', '{"a": null}'];
    const keys = ['formatVersion', 'parts', 'model', 'preprocessing', 'text', 'engine', 'files'];
    for (const value of values) {
      assert.throws(() => parseManifest(value), invalid);
      for (const key of keys) {
        const text = `{"formatVersion": 1, "parts": {"vision": "a"}, ${JSON.stringify(key)}: ${value}}`;
        assert.throws(() => parseManifest(text), invalid);
      }
    }
  });

  it('whose wrong value is large gives a short message', () => {
    const text = JSON.stringify({ formatVersion: Array(1_000_000).fill('a') });
    assert.throws(
      () => parseManifest(text),
      (error: Error) => {
        assert.match(error.message, /found an array of 1000000/);
        return error.message.length < 300;
      },
    );
  });
});

describe("an index's note", () => {
  const invalid = coded('ERR_INDEX_INVALID');
  it('that is deeply nested, or has values of other types', () => {
    for (const levels of DEPTHS) {
      assert.throws(() => readNote(deep(levels), 0, 'a.index'), invalid);
      assert.throws(() => readNote(`{"extra": ${deep(levels)}}`, 0, 'a.index'), invalid);
      assert.throws(() => readNote(`{"ids": ${deep(levels)}}`, 1, 'a.index'), invalid);
    }
    for (const text of ['null', '7', '"a"', '{"ids": 7}', '{"ids": [null]}', '{"removed": {}}']) {
      assert.throws(() => readNote(text, 1, 'a.index'), invalid);
    }
  });

  const bundle = { path: 'a', digest: 'b' };
  const entry = { path: 'a.jpg', bytes: 1, modifiedMs: 2 };
  const wrong: unknown[] = [
    ...[null, 7, 'text', [], {}, { bundle: null }, { bundle: 7 }, { bundle: { path: 'a' } }],
    ...[{ bundle: { path: 7, digest: 'b' } }, { bundle, pictures: 7 }, { bundle, pictures: {} }],
    ...[
      { bundle, pictures: [null] },
      { bundle, pictures: ['a'] },
      { bundle, gone: 'a' },
    ],
    ...[
      { bundle, gone: [7] },
      { bundle, pictures: null },
      { bundle, gone: null },
    ],
    { bundle, pictures: [{ ...entry, bytes: '1' }] },
    { bundle, pictures: [{ ...entry, modifiedMs: null }] },
    { bundle, pictures: [{ ...entry, error: 'bad' }] },
    { bundle, pictures: [{ ...entry, error: { code: 7, message: 'a' } }] },
  ];
  it('of pictures', () => {
    for (const note of wrong) {
      const shown = JSON.stringify(note);
      assert.throws(() => new ImageCatalogue([note], 'a.index'), invalid, shown);
    }
    const error = { code: 'ERR_IMAGE_CORRUPT', message: 'bad' };
    const sound = [{ bundle }, { pictures: [entry, { ...entry, error }] }, { gone: ['b.jpg'] }];
    assert.equal(new ImageCatalogue(sound, 'a.index').entries.length, 1);
  });
});

describe('lengths beyond memory', () => {
  it('are typed errors', async () => {
    for (const count of [2 ** 53, 2 ** 40, Number.POSITIVE_INFINITY]) {
      assert.throws(() => allocateRows(count, 1280, 'images'), coded('ERR_OUT_OF_MEMORY'));
    }
    await using index = VectorIndex.create({ dim: 4 });
    const endless = new Proxy([] as Float32Array[], {
      get: (array, key) => (key === 'length' ? 2 ** 53 - 1 : Reflect.get(array, key)),
    });
    await rejectsWith(index.search(endless), 'ERR_OUT_OF_MEMORY', /queries/);
  });
});

describe('an index', () => {
  const folder = temporaryFolder();
  it('that is not a file is refused at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const [path, pattern] of [
      [pipe, /found a named pipe/],
      ['/dev/zero', /found a device/],
      [folder, /found a folder/],
    ] as const) {
      for (const append of [false, true]) {
        await rejectsWith(VectorIndex.open(path, { append }), 'ERR_IO', pattern);
      }
    }
    await rejectsWith(VectorIndex.open(join(folder, 'none')), 'ERR_NOT_FOUND', /nothing there/);
  });
});
