// A large file that did not change since it was hashed is not hashed again; every change is found.
import assert from 'node:assert/strict';
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { HASHED_HERE } from '#lib/bundle/digest';
import { openBundle } from '#lib/bundle/open';
import { identityOf } from '#lib/bundle/verified-files';
import { writeBundle } from '#lib/bundle/write';
import { loadNative } from '#lib/native';
import { CONTENT } from './support/bundle-content.mts';
import { temporaryFolder } from './support/temporary.mts';

const { exchangeDirectories: exchange } = loadNative();
const ENGINE = 'vision/1/model.pt';

describe('the record of hashed files', () => {
  const folder = temporaryFolder();
  const cache = () => join(folder, 'cache');
  const record = () => join(cache(), 'verified-files.json');
  const cacheBefore = process.env.LLM2CLIP_CACHE;
  let out: string;
  let count = 0;
  /** Threads that were started, each of which hashes a large file. */
  let threads = 0;
  const note = (_: Worker) => {
    threads += 1;
  };

  beforeEach(async () => {
    out = join(folder, `bundle-${count++}`);
    await writeBundle(out, { force: false, exchange }, async (staging) => {
      await mkdir(join(staging, 'vision/1'), { recursive: true });
      await writeFile(join(staging, ENGINE), Buffer.alloc(HASHED_HERE + 1, 'engine'));
      return CONTENT;
    });
    process.env.LLM2CLIP_CACHE = cache();
    // As if the files had been written an hour ago.
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
    threads = 0;
    process.on('worker', note);
  });

  afterEach(() => {
    process.off('worker', note);
    mock.timers.reset();
    if (cacheBefore === undefined) delete process.env.LLM2CLIP_CACHE;
    else process.env.LLM2CLIP_CACHE = cacheBefore;
  });

  async function check(thoroughly = false): Promise<void> {
    const bundle = await openBundle(out);
    try {
      await bundle.verify(ENGINE, thoroughly);
    } finally {
      await bundle.close();
    }
  }

  async function replaceDigest(sha256: string): Promise<void> {
    const identity = identityOf(await stat(join(out, ENGINE), { bigint: true }));
    const found = JSON.parse(await readFile(record(), 'utf8'));
    assert.match(found.files[identity], /^[0-9a-f]{64}$/);
    found.files[identity] = sha256;
    await writeFile(record(), JSON.stringify(found));
  }

  test('a file is hashed once, unless a thorough check is asked for', async () => {
    await check();
    assert.equal(threads, 1);
    await check();
    assert.equal(threads, 1);
    await check(true);
    assert.equal(threads, 2);
  });

  test('what the record says is compared with the manifest', async () => {
    await check();
    await replaceDigest('0'.repeat(64));
    await assert.rejects(check(), { code: 'ERR_BUNDLE_INVALID', message: /found 0000/ });
    await check(true);
    await check();
  });

  test('a flipped bit is found', async () => {
    await check();
    const file = await open(join(out, ENGINE), 'r+');
    await file.write(Buffer.from('E'), 0, 1, 1000);
    await file.close();
    await assert.rejects(check(), { code: 'ERR_BUNDLE_INVALID', message: /expected sha256/ });
  });

  test('another file in its place is hashed', async () => {
    await check();
    const other = join(folder, 'other');
    await writeFile(other, Buffer.alloc(HASHED_HERE + 1, 'motor!'));
    await rename(other, join(out, ENGINE));
    await assert.rejects(check(), { code: 'ERR_BUNDLE_INVALID', message: /expected sha256/ });
  });

  test('a file that has just been written is not remembered', async () => {
    mock.timers.reset();
    await check();
    await check();
    assert.equal(threads, 2);
  });

  for (const [name, content] of Object.entries({
    'no JSON': '{',
    'another version': '{"version":0,"files":{}}',
    'files that are no object': '{"version":1,"files":7}',
    'digests that are none': '{"version":1,"files":{"a":"b","c":7}}',
    'more than it can hold': ' '.repeat(2 << 20),
  })) {
    test(`a record with ${name} counts as empty`, async () => {
      await mkdir(cache(), { recursive: true });
      await writeFile(record(), content);
      await check();
      await check();
      assert.equal(threads, 1);
    });
  }

  test('without a cache that can be written, every check hashes', async () => {
    await writeFile(join(folder, 'no folder'), '');
    for (const place of [join(folder, 'no folder/cache'), 'relative']) {
      process.env.LLM2CLIP_CACHE = place;
      threads = 0;
      await check();
      await check();
      assert.equal(threads, 2);
    }
  });
});
