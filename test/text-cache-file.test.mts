// Tests the file of a cache of text vectors. It survives any end of its process, several processes
// can write to it at the same time, and a file that is damaged, foreign or unavailable costs at
// most a warning.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mutateBytes } from './fuzz/byte-mutations.mts';
import { Random } from './fuzz/random.mts';
import { temporaryFolder } from './support/temporary.mts';
import { computedOf, numbered, openCache, type Said } from './support/text-vectors.mts';

const folder = temporaryFolder();
const dim = 16;
const HEADER = 64;
const RECORD = 8 + 32 + 4 * dim + 4;
const WRITER = fileURLToPath(new URL('./support/text-cache-writer.mjs', import.meta.url));

/** Puts texts into a file. */
async function keep(file: string, texts: readonly string[], maxEntries = 1000): Promise<void> {
  const cache = await openCache({ file, maxEntries });
  await computedOf(cache, dim, texts);
  await cache.settle();
}

/** Returns the texts that the file does not hold. */
async function missing(file: string, texts: readonly string[], size = dim): Promise<string[]> {
  const cache = await openCache({ file, dim: size, maxEntries: 1e5 });
  const computed = await computedOf(cache, size, texts);
  await cache.settle();
  return computed;
}

const write = (...args: (string | number)[]) => {
  const command = [WRITER, ...args.map(String)];
  return spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
};

test('computed vectors are in the file after a restart', async () => {
  const file = join(folder, 'restart');
  const texts = numbered(500);
  await keep(file, texts);
  assert.equal(statSync(file).size, HEADER + 500 * RECORD);
  assert.deepEqual(await missing(file, texts), []);
  const said: Said[] = [];
  const cache = await openCache({ file }, said);
  assert.equal(cache.stats().entries, 500);
  assert.deepEqual(said, [{ level: 'info', message: `read 500 vectors of texts from ${file}` }]);
});

test('with less memory, the newest vectors of a file are read', async () => {
  const file = join(folder, 'newest');
  await keep(file, numbered(300));
  const cache = await openCache({ file, maxEntries: 100 });
  assert.deepEqual(await computedOf(cache, dim, numbered(300).slice(200)), []);
  assert.equal(cache.stats().entries, 100);
});

describe('a file that is', () => {
  async function isLeftAlone(file: string, options: object, message: RegExp): Promise<void> {
    const before = await readFile(file);
    const said: Said[] = [];
    const cache = await openCache({ file, ...options }, said);
    assert.deepEqual(await computedOf(cache, dim, ['text 0', 'new', 'new']), ['text 0', 'new']);
    await cache.settle();
    assert.deepEqual(await readFile(file), before);
    assert.equal(said.filter(({ level }) => level === 'warn').length, 1);
    assert.match(said[0]?.message ?? '', message);
  }

  test('another bundle’s is neither used nor changed', async () => {
    const file = join(folder, 'another');
    await keep(file, numbered(10));
    const digest = 'ab'.repeat(32);
    await isLeftAlone(file, { digest }, /of another bundle.*delete it or name another/);
    assert.deepEqual(await missing(file, numbered(10)), []);
  });

  test('not a cache is not changed', async () => {
    const file = join(folder, 'notes.txt');
    for (const content of ['L2CTEXTS', 'to do: buy milk'.repeat(1000), '\n']) {
      await writeFile(file, content);
      await isLeftAlone(file, {}, /not of text vectors|or damaged/);
    }
  });

  test('empty becomes a cache', async () => {
    const file = join(folder, 'empty');
    await writeFile(file, '');
    await keep(file, ['a']);
    assert.deepEqual(await missing(file, ['a']), []);
  });

  test('unavailable is not used', async () => {
    const directory = join(folder, 'directory');
    const loop = join(folder, 'loop');
    mkdirSync(directory);
    symlinkSync(loop, loop);
    for (const file of [directory, loop, join(folder, 'no', 'such'), '/dev/null', 'a\0b']) {
      const said: Said[] = [];
      const cache = await openCache({ file }, said);
      assert.deepEqual(await computedOf(cache, dim, ['a', 'a']), ['a']);
      await cache.settle();
      assert.equal(said.filter(({ level }) => level === 'warn').length, 1, file);
    }
  });

  test('read-only is read and not written', async (t) => {
    const file = join(folder, 'read-only', 'cache');
    mkdirSync(dirname(file));
    // Users other than root cannot delete anything from a read-only folder.
    t.after(() => chmodSync(dirname(file), 0o755));
    await keep(file, numbered(10));
    chmodSync(file, 0o444);
    chmodSync(dirname(file), 0o555);
    chmodSync(folder, 0o755);
    // Root could write in spite of the mode, so the test uses another user.
    const user = process.getuid?.() === 0 ? [65534] : [];
    const names = ['cache', 'missing'].map((name) => join(dirname(file), name));
    const read = async (path: string, i: number) => {
      const child = write(path, 'text ', 11, dim, 100, ...user);
      const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
      assert.equal(status, 0);
      assert.equal(said.match(/not kept in .*: E.*denied/g)?.length, 1);
      assert.match(said, i === 0 ? /computed 1\n/ : /computed 11\n/);
    };
    await Promise.all(names.map(read));
    assert.equal(statSync(file).size, HEADER + 10 * RECORD);
    assert.deepEqual(await readdir(dirname(file)), ['cache']);
  });

  test('removed or replaced during use is created again', async () => {
    const file = join(folder, 'removed', 'cache');
    mkdirSync(dirname(file));
    const cache = await openCache({ file });
    for (const [i, name] of ['a', 'b'].entries()) {
      await computedOf(cache, dim, [name]);
      await cache.settle();
      if (i === 0) await truncate(file, 0);
    }
    assert.deepEqual(await missing(file, ['b', 'a']), ['a']);
  });
});

describe('limits', () => {
  const most = (entries: number) => HEADER + 2 * entries * RECORD;

  test('a file that has grown to twice its limit keeps the most recently used vectors', async () => {
    const file = join(folder, 'compacted');
    const cache = await openCache({ file, maxEntries: 50 });
    const labels = numbered(20, 'label ');
    for (const query of numbered(200, 'query ')) {
      await computedOf(cache, dim, [query]);
      await computedOf(cache, dim, labels);
      await cache.settle();
      assert.ok(statSync(file).size <= most(50));
    }
    assert.equal(cache.stats().misses, 220);
    assert.deepEqual(await missing(file, labels), []);
    assert.equal((await missing(file, numbered(200, 'query ').slice(-30))).length, 0);
  });

  test('vectors that other processes added are kept if there is room', async () => {
    const file = join(folder, 'others');
    const mine = await openCache({ file, maxEntries: 100 });
    await computedOf(mine, dim, ['mine']);
    await mine.settle();
    await keep(file, numbered(250, 'theirs '), 1000);
    await computedOf(mine, dim, ['last']);
    await mine.settle();
    assert.equal(statSync(file).size, HEADER + 100 * RECORD);
    const kept = [...numbered(250, 'theirs ').slice(-98), 'mine', 'last'];
    assert.deepEqual(await missing(file, kept), []);
  });

  test('without room for one vector, the file of others stays unchanged', async () => {
    const file = join(folder, 'no-room');
    await keep(file, numbered(10));
    const said: Said[] = [];
    const cache = await openCache({ file, maxBytes: 4 * dim }, said);
    assert.deepEqual(await computedOf(cache, dim, ['a', 'a']), ['a', 'a']);
    await cache.settle();
    assert.deepEqual(await missing(file, numbered(10)), []);
    assert.deepEqual(
      said.map(({ level }) => level),
      ['warn'],
    );
  });

  test('temporary files of killed writers are removed later', async () => {
    const file = join(folder, 'left');
    const [old, young] = [`${file}.tmp-1-ab`, `${file}.tmp-2-cd`];
    for (const path of [old, young]) await writeFile(path, 'a part');
    utimesSync(old, 1, 1);
    await keep(file, numbered(30), 10);
    const left = (await readdir(folder)).filter((name) => name.startsWith('left.'));
    assert.deepEqual(left, [basename(young)]);
  });
});

describe('a writer that', () => {
  test('is killed at any moment loses no confirmed vector', async () => {
    const file = join(folder, 'killed');
    for (const [round, lines] of [1, 40, 10, 150].entries()) {
      // In half of the rounds the small limit makes the writer rewrite the file again and again.
      const maxEntries = round % 2 === 0 ? 1e5 : 20;
      const child = write(file, `${round}-`, 1e6, 1280, maxEntries);
      const closed = once(child, 'close');
      const said: string[] = [];
      for await (const line of createInterface(child.stdout)) {
        if (said.push(line) === lines) child.kill('SIGKILL');
      }
      await closed;
      const told = Number(said.at(-1));
      assert.ok(told > 0);
      // The writer may have written some more vectors before it was killed, which replaced the
      // oldest ones.
      const texts = numbered(told, `${round}-`).slice(maxEntries === 20 ? -15 : 0);
      assert.deepEqual(await missing(file, texts, 1280), []);
    }
  });

  test('is stopped by a full disk continues without the file, and damages nothing', async () => {
    const file = join(folder, 'full');
    const command = `ulimit -f 40; exec "$0" "$@"`;
    const args = [WRITER, file, 'big-', 100, 1280, 1000].map(String);
    const child = spawn('bash', ['-c', command, process.execPath, ...args]);
    const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    assert.equal(status, 0);
    assert.match(said, /not kept in .*(took \d+ of|EFBIG|file too large)/i);
    assert.equal(statSync(file).size, 40 * 1024);
    // Seven vectors fit. One more is appended after the torn one.
    const size = 1280;
    const cache = await openCache({ file, dim: size });
    assert.deepEqual(await computedOf(cache, size, numbered(7, 'big-')), []);
    assert.deepEqual(await computedOf(cache, size, ['big-7', 'behind']), ['big-7', 'behind']);
    await cache.settle();
    assert.deepEqual(await missing(file, [...numbered(8, 'big-'), 'behind'], size), []);
  });
});

describe('several processes', () => {
  const PROCESSES = 3;
  const all = async (file: string, count: number, dim: number, maxEntries: number) => {
    const children = numbered(PROCESSES, 'p').map((name) =>
      write(file, `${name}-`, count, dim, maxEntries),
    );
    await Promise.all(
      children.map(async (child) => {
        const [, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
        assert.equal(status, 0);
      }),
    );
    return numbered(PROCESSES, 'p').flatMap((name) => numbered(count, `${name}-`));
  };

  test('write to one file without losses', async () => {
    const path = join(folder, 'shared');
    // The file exists before the writers start. If several processes created it at the same time,
    // one could write its first vectors to a file that another one replaces.
    await openCache({ file: path, dim: 1280 });
    const texts = await all(path, 200, 1280, 1e5);
    assert.deepEqual(await missing(path, texts, 1280), []);
  });

  test('that create and rewrite the file at the same time leave a valid one', async () => {
    const file = join(folder, 'contended');
    const texts = await all(file, 150, 1280, 20);
    const computed = await missing(file, texts, 1280); // throws if a vector is wrong
    assert.ok(computed.length < texts.length);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('contended.')),
      [],
    );
  });
});

describe('damage', () => {
  test('loses only the damaged record', async () => {
    const file = join(folder, 'damaged');
    const texts = numbered(20);
    await keep(file, texts);
    const whole = await readFile(file);
    for (const record of [0, 7, 19]) {
      for (const at of [0, 8, 39, 40, RECORD - 5, RECORD - 1]) {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(
          bytes.readUInt8(HEADER + record * RECORD + at) ^ 4,
          HEADER + record * RECORD + at,
        );
        await writeFile(file, bytes);
        assert.deepEqual(await missing(file, texts), [`text ${record}`]);
      }
    }
  });

  test('of the end leaves a file that can be extended', async () => {
    const file = join(folder, 'torn');
    for (let cut = 1; cut < RECORD; cut += 5) {
      await keep(file, ['a', 'b']);
      await truncate(file, HEADER + 2 * RECORD - cut);
      await keep(file, ['b', 'c']);
      assert.deepEqual(await missing(file, ['a', 'b', 'c']), []);
      await truncate(file, 0);
    }
  });

  test('of any kind gives no wrong vector', async () => {
    const file = join(folder, 'mutated');
    const texts = numbered(12);
    await keep(file, texts);
    const whole = await readFile(file);
    const random = new Random(5);
    let [lost, found] = [0, 0];
    for (let i = 0; i < 400; i++) {
      let bytes: Buffer = whole;
      for (let n = random.below(4); n >= 0; n--) bytes = mutateBytes(bytes, random);
      await writeFile(file, bytes);
      const cache = await openCache({ file });
      const computed = await computedOf(cache, dim, texts);
      lost += computed.length;
      found += texts.length - computed.length;
      await cache.settle();
    }
    assert.ok(lost > 400 && found > 400, `${lost} lost, ${found} found`);
  });

  test('appended at the end is ignored', async () => {
    const file = join(folder, 'appended');
    for (const junk of ['L2CTVEC', 'L2CTVECT', '\0']) {
      await keep(file, ['a']);
      await appendFile(file, Buffer.alloc(100_000, junk));
      await keep(file, ['b']);
      assert.deepEqual(await missing(file, ['a', 'b']), []);
      await truncate(file, 0);
    }
  });
});
