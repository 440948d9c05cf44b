// FAULTS.md, "Long life": what a process holds stays flat, over all that it does. Each check is also
// shown a deliberate leak, which it must notice.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { convert } from 'llm2clip';
import { CHECKPOINT } from './support/digits.mts';
import { fakeBundle, fakePackage, fakeTextBundle } from './support/fake-engine.mts';
import { growth } from './support/growth.mts';
import type { Held } from './support/soak.mts';
import { temporaryFolder } from './support/temporary.mts';

const SOAK = fileURLToPath(new URL('./support/soak.mts', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));

const folder = temporaryFolder();
const fake = { path: join(folder, 'package'), bundle: join(folder, 'fake') };
const texts = join(folder, 'texts');
const real = { path: ROOT, bundle: join(folder, 'digits') };
before(async () => {
  fakePackage(fake.path);
  await fakeBundle(fake.bundle, 0);
  await fakeTextBundle(texts, 0);
  await convert(CHECKPOINT, { out: real.bundle });
});

async function soak({ path, bundle }: typeof fake, ...args: (string | number)[]): Promise<Held[]> {
  const command = ['--expose-gc', '--import', 'tsx', SOAK, path, bundle, ...args.map(String)];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.equal(code, 0);
  return JSON.parse(output);
}

/** Growth a block after the first third, in which caches and the garbage collector settle. */
function growths(held: readonly Held[]): Held {
  const settled = held.slice(Math.floor(held.length / 3));
  const of = (key: keyof Held) => growth(settled.map((one) => one[key]));
  return {
    rssMiB: of('rssMiB'),
    heapKiB: of('heapKiB'),
    jsKiB: of('jsKiB'),
    threads: of('threads'),
  };
}

/** Growth per 100,000 requests, of which each block has so many. */
function per100k(held: readonly Held[], block: number): Held {
  const { rssMiB, heapKiB, jsKiB, threads } = growths(held);
  const scale = 100_000 / block;
  return { rssMiB: rssMiB * scale, heapKiB: heapKiB * scale, jsKiB: jsKiB * scale, threads };
}

describe('requests of every kind', () => {
  const BLOCK = 50_000;
  const RSS_MIB_PER_100K = 1;
  const HEAP_KIB_PER_100K = 400; // one allocation leaked by each would be 2,400
  const soaked = async (blocks: number, ...leak: string[]) =>
    per100k(await soak(fake, 'requests', blocks, BLOCK, ...leak), BLOCK);

  test('hold nothing', async (t) => {
    // The heaps of V8 and malloc grow and shrink by megabytes at a time, which in few blocks may look
    // like growth. A leak shows in every process, however long it is watched.
    for (const blocks of [8, 16, 32, 32]) {
      const found = await soaked(blocks);
      t.diagnostic(`per 100,000 requests: ${JSON.stringify(found)}`);
      assert.ok(found.heapKiB <= HEAP_KIB_PER_100K);
      assert.equal(found.threads, 0);
      if (found.rssMiB <= RSS_MIB_PER_100K) return;
    }
    assert.fail(`the process grows by over ${RSS_MIB_PER_100K} MiB per 100,000 requests`);
  });

  test('a deliberate leak of embeddings shows', async () => {
    const found = await soaked(5, 'leak');
    assert.ok(found.rssMiB > RSS_MIB_PER_100K);
    assert.ok(found.heapKiB > HEAP_KIB_PER_100K);
  });
});

describe('texts', () => {
  const BLOCK = 10_000;
  // Not of the whole process: the heap of the tokenizer's thread grows and shrinks by 15 MiB.
  const HEAP_KIB_PER_100K = 1200; // one allocation leaked by each would be 2,400
  const JS_KIB_PER_100K = 2000; // one object of 64 bytes leaked by each would be 6,400
  const soaked = async (blocks: number, ...leak: string[]) =>
    per100k(await soak({ ...fake, bundle: texts }, 'texts', blocks, BLOCK, ...leak), BLOCK);

  test('hold nothing', async (t) => {
    const found = await soaked(8);
    t.diagnostic(`per 100,000 texts: ${JSON.stringify(found)}`);
    assert.ok(found.heapKiB <= HEAP_KIB_PER_100K);
    assert.ok(found.jsKiB <= JS_KIB_PER_100K);
    assert.equal(found.threads, 0);
  });

  test('a deliberate leak of embeddings shows', async () => {
    const found = await soaked(4, 'leak');
    assert.ok(found.heapKiB > HEAP_KIB_PER_100K);
    assert.ok(found.jsKiB > JS_KIB_PER_100K);
  });
});

describe('loading and disposing', () => {
  const LOADS = 25;
  const RSS_MIB_PER_100 = 12; // the tiny model's weights a hundred times over are 170
  const HEAP_KIB_PER_100 = 200;
  const per100 = (held: Held[]) => {
    const { rssMiB, heapKiB, threads } = growths(held);
    const scale = 100 / LOADS;
    return { rssMiB: rssMiB * scale, heapKiB: heapKiB * scale, threads };
  };

  test('a hundred times holds nothing', async (t) => {
    const found = per100(await soak(fake, 'loads', 18, LOADS));
    t.diagnostic(`per 100 loads: ${JSON.stringify(found)}`);
    assert.ok(found.heapKiB <= HEAP_KIB_PER_100);
    assert.ok(found.rssMiB <= RSS_MIB_PER_100);
    assert.equal(found.threads, 0);
  });

  test('a hundred times with the tiny real engine holds nothing', async (t) => {
    const { rssMiB, threads } = per100(await soak(real, 'loads', 9, LOADS));
    t.diagnostic(`per 100 loads: ${rssMiB} MiB`);
    assert.ok(rssMiB <= RSS_MIB_PER_100);
    assert.equal(threads, 0);
  });

  test('a deliberate leak of models shows', async () => {
    const held = await soak(fake, 'loads', 5, LOADS, 'leak');
    const found = per100(held);
    assert.ok(found.heapKiB > HEAP_KIB_PER_100);
    assert.ok(found.rssMiB > RSS_MIB_PER_100);
    assert.ok(found.threads > 0);
    assert.ok(per100(await soak(real, 'loads', 5, LOADS, 'leak')).rssMiB > RSS_MIB_PER_100);
  });
});
