// Tests "Long life" of FAULTS.md: the memory of a process stays constant in all its activities.
// Each check must also notice a deliberate leak.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { convertModel } from './support/device.mts';
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
  await convertModel(CHECKPOINT, { out: real.bundle });
});

/** Yields what a process holds after each block, until the caller stops. */
async function* soak({ path, bundle }: typeof fake, ...args: (string | number)[]) {
  const command = ['--expose-gc', '--import', 'tsx', SOAK, path, bundle, ...args.map(String)];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  try {
    for await (const line of createInterface(child.stdout)) yield JSON.parse(line) as Held;
    assert.fail('it ended by itself');
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

/**
 * Returns the growth in `scale` blocks. The first half of the blocks is ignored, because caches and
 * the garbage collector settle in it.
 */
function growths(held: readonly Held[], scale: number): Held {
  const settled = held.slice(held.length >> 1);
  const of = (key: keyof Held) => scale * growth(settled.map((one) => one[key]));
  return {
    rssMiB: of('rssMiB'),
    heapKiB: of('heapKiB'),
    jsKiB: of('jsKiB'),
    threads: of('threads'),
  };
}

const BLOCKS = { least: 12, most: 100, leaking: 5 };

/**
 * Asserts that a process does not grow. The heaps of V8 and malloc change by megabytes at a time,
 * which can look like growth in few blocks. Therefore it watches longer before it fails: a real
 * leak does not go away.
 */
async function holdsNothing(
  t: TestContext,
  soaked: AsyncIterable<Held>,
  scale: number,
  most: Partial<Held>,
): Promise<void> {
  const held: Held[] = [];
  for await (const one of soaked) {
    if (held.push(one) < BLOCKS.least || held.length % 4 > 0) continue;
    const found = growths(held, scale);
    t.diagnostic(`after ${held.length} blocks: ${JSON.stringify(found)}`);
    const bounds = Object.entries(most) as [keyof Held, number][];
    if (bounds.every(([key, bound]) => found[key] <= bound)) return;
    assert.ok(held.length < BLOCKS.most, `expected at most ${JSON.stringify(most)}`);
  }
}

/** Returns the growth of a process that leaks on purpose. */
async function leaked(soaked: AsyncIterable<Held>, scale: number): Promise<Held> {
  const held: Held[] = [];
  for await (const one of soaked) if (held.push(one) === BLOCKS.leaking) break;
  return growths(held, scale);
}

describe('requests of every kind, growth in 100,000', () => {
  const MOST = {
    rssMiB: 1,
    heapKiB: 400, // One leaked allocation per call would be 2,400.
    jsKiB: 2000, // One leaked object of 64 bytes per call would be 6,400.
    threads: 0,
  };

  test('hold nothing', async (t) => {
    await holdsNothing(t, soak(fake, 'requests', 10_000), 100_000 / 10_000, MOST);
  });

  test('a deliberate leak of embeddings shows', async () => {
    const found = await leaked(soak(fake, 'requests', 5000, 'leak'), 100_000 / 5000);
    assert.ok(found.rssMiB > MOST.rssMiB);
    assert.ok(found.heapKiB > MOST.heapKiB);
    assert.ok(found.jsKiB > MOST.jsKiB);
  });
});

describe('texts, growth in 100,000', () => {
  // The process's whole memory is not checked: the heap of the tokenizer's thread varies by 15 MiB.
  const MOST = {
    heapKiB: 1200, // One leaked allocation per call would be 2,400.
    jsKiB: 2000, // One leaked object of 64 bytes per call would be 6,400.
    threads: 0,
  };
  const place = { ...fake, bundle: texts };

  test('hold nothing', async (t) => {
    await holdsNothing(t, soak(place, 'texts', 2000), 100_000 / 2000, MOST);
  });

  test('a deliberate leak of embeddings shows', async () => {
    const found = await leaked(soak(place, 'texts', 2000, 'leak'), 100_000 / 2000);
    assert.ok(found.heapKiB > MOST.heapKiB);
    assert.ok(found.jsKiB > MOST.jsKiB);
  });
});

describe('loading and disposing, growth in 100', () => {
  const MOST = {
    rssMiB: 12, // The tiny model's weights a hundred times would be 170.
    heapKiB: 200,
    threads: 0,
  };

  test('a hundred times holds nothing', async (t) => {
    await holdsNothing(t, soak(fake, 'loads', 10), 100 / 10, MOST);
  });

  test('a hundred times with the tiny real engine holds nothing', async (t) => {
    const { rssMiB, threads } = MOST;
    await holdsNothing(t, soak(real, 'loads', 10), 100 / 10, { rssMiB, threads });
  });

  test('a deliberate leak of models is noticed', async () => {
    const found = await leaked(soak(fake, 'loads', 5, 'leak'), 100 / 5);
    assert.ok(found.heapKiB > MOST.heapKiB);
    assert.ok(found.rssMiB > MOST.rssMiB);
    assert.ok(found.threads > MOST.threads);
    const ofReal = await leaked(soak(real, 'loads', 5, 'leak'), 100 / 5);
    assert.ok(ofReal.rssMiB > MOST.rssMiB);
  });
});
