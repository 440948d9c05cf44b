// Tests index files: they keep what was written, a killed writer loses and duplicates nothing,
// damage is detected, and one process writes at a time.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VectorIndex } from 'llm2clip';
import { unitVectors } from './support/search-vectors.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const code = (expected: string) => (error: Error & { code?: string }) => error.code === expected;
const dim = 7;
const WRITER = fileURLToPath(new URL('./support/search-writer.mjs', import.meta.url));
const query = unitVectors(1, dim, 99);
const names = (n: number, prefix = 'v') => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

for (const storage of ['fp32', 'fp16', 'int8'] as const) {
  test(`${storage}: an index finds the same after it is saved and opened`, async () => {
    const path = join(folder, `${storage}.index`);
    for (const [n, ids] of [
      [0, undefined],
      [1, ['ü "quoted"']],
      [20_000, undefined],
      [20_000, names(20_000)],
    ] as const) {
      await using index = VectorIndex.create({ dim, storage });
      await index.add(unitVectors(n, dim, 1), ids);
      await index.save(path);
      await using opened = await VectorIndex.open(path);
      assert.equal(opened.size, n);
      assert.equal(opened.storage, storage);
      assert.equal(opened.dim, dim);
      assert.deepEqual(
        await opened.search(query, { k: 100 }),
        await index.search(query, { k: 100 }),
      );
    }
  });
}

test('removed vectors are not saved', async () => {
  const path = join(folder, 'removed.index');
  await using index = VectorIndex.create({ dim });
  await index.add(unitVectors(1000, dim, 1), names(1000));
  await index.save(path);
  const { size } = await stat(path);
  await index.remove(names(900));
  await index.save(path);
  assert.ok((await stat(path)).size < size / 5);
  await using opened = await VectorIndex.open(path);
  const { ids, scores } = await opened.search(query, { k: 1000 });
  assert.equal(ids.length, 100);
  assert.deepEqual({ ids, scores }, await index.search(query, { k: 1000 }));
});

describe('opened to append', () => {
  test('each change is in the file when its promise resolves, also after a save', async () => {
    const path = join(folder, 'append.index');
    await VectorIndex.create({ dim }).save(path);
    await using index = await VectorIndex.open(path, { append: true });
    const changes: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      changes.push(index.add(unitVectors(3, dim, i), names(3, `${i}-`)));
      if (i % 5 === 4) changes.push(index.save(path), index.remove([`${i}-1`, `${i - 1}-0`]));
    }
    await Promise.all(changes);
    await using opened = await VectorIndex.open(path);
    assert.equal(opened.size, 60 - 8);
    const all = { k: 100 };
    assert.deepEqual(await opened.search(query, all), await index.search(query, all));
  });

  test('a save to another path leaves the open file unchanged', async () => {
    const [path, copy] = [join(folder, 'one.index'), join(folder, 'two.index')];
    await VectorIndex.create({ dim }).save(path);
    const index = await VectorIndex.open(path, { append: true });
    await index.add(unitVectors(2, dim, 1));
    await index.save(copy);
    await index.add(unitVectors(3, dim, 2));
    await index.sync();
    await index.dispose();
    for (const [file, size] of [
      [path, 5],
      [copy, 2],
    ] as const) {
      await using opened = await VectorIndex.open(file);
      assert.equal(opened.size, size);
    }
  });

  test('one writer at a time, with readers; dispose releases the lock', async () => {
    const path = join(folder, 'locked.index');
    await VectorIndex.create({ dim }).save(path);
    const index = await VectorIndex.open(path, { append: true });
    await assert.rejects(VectorIndex.open(path, { append: true }), code('ERR_INDEX_LOCKED'));
    await assert.rejects(VectorIndex.create({ dim }).save(path), code('ERR_INDEX_LOCKED'));
    await (await VectorIndex.open(path)).dispose();
    await index.dispose();
    await (await VectorIndex.open(path, { append: true })).dispose();
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('.tmp')),
      [],
    );
  });

  test('a writer that is killed at any moment loses no confirmed vector', async () => {
    const path = join(folder, 'killed.index');
    await VectorIndex.create({ dim, storage: 'int8' }).save(path);
    let told = 0;
    for (const lines of [1, 4, 15, 40, 100]) {
      const child = spawn(process.execPath, [WRITER, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      const said: string[] = [];
      for await (const line of createInterface(child.stdout)) {
        if (said.push(line) === lines) child.kill('SIGKILL');
      }
      await closed;
      told = Math.max(told, Number(said.at(-1)));
      await using opened = await VectorIndex.open(path);
      assert.ok(opened.size >= told, `${opened.size} of ${told}`);
      const { ids } = await opened.search(query, { k: 1e6 });
      assert.deepEqual(
        ids.map(String).sort((a, b) => Number(a) - Number(b)),
        Array.from({ length: opened.size }, (_, i) => String(i)),
      );
    }
    assert.ok(told > 0);
  });
});

describe('links beside an index', () => {
  const names = ['x.index.tmp', 'x.index.tmp-0123456789abcdef', 'x.index.tmp-1-00000000'];

  for (const name of names) {
    test(`${name} leads to a file that stays unchanged`, async () => {
      const place = join(folder, `planted ${name}`);
      await mkdir(place);
      const [victim, path] = [join(place, 'diary'), join(place, 'x.index')];
      await writeFile(victim, 'three years');
      await symlink(victim, join(place, name));
      await using index = VectorIndex.create({ dim });
      await index.add(unitVectors(10, dim, 1));
      for (let i = 0; i < 2; i++) await index.save(path);
      assert.equal(await readFile(victim, 'utf8'), 'three years');
      assert.ok((await lstat(path)).isFile());
      await using opened = await VectorIndex.open(path);
      assert.equal(opened.size, 10);
    });
  }

  test('temporary files of a killed writer are removed, others stay', async () => {
    const place = join(folder, 'left');
    await mkdir(place);
    const path = join(place, 'x.index');
    await writeFile(`${path}.tmp-0123456789abcdef`, 'half an index');
    await writeFile(`${path}.tmp-mine`, 'not ours');
    await writeFile(join(place, 'y.index.tmp-0123456789abcdef'), 'of another');
    await VectorIndex.create({ dim }).save(path);
    assert.deepEqual((await readdir(place)).sort(), [
      'x.index',
      'x.index.tmp-mine',
      'y.index.tmp-0123456789abcdef',
    ]);
  });

  test('concurrent writers succeed, or get ERR_INDEX_LOCKED', async () => {
    const path = join(folder, 'at-once.index');
    const saved = names.map(() => VectorIndex.create({ dim }).save(path));
    for (const result of await Promise.allSettled(saved)) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'ERR_INDEX_LOCKED');
    }
    await (await VectorIndex.open(path)).dispose();
    const left = (await readdir(folder)).filter((name) => name.startsWith('at-once.index.tmp'));
    assert.deepEqual(left, []);
  });
});

describe('damage', () => {
  const path = join(folder, 'whole.index');
  const broken = join(folder, 'broken.index');

  test('a torn tail is cut off, and the index can be used', async () => {
    await VectorIndex.create({ dim }).save(path);
    const writer = await VectorIndex.open(path, { append: true });
    for (let i = 0; i < 3; i++) await writer.add(unitVectors(2, dim, i), names(2, `${i}-`));
    await writer.dispose();
    const { size } = await stat(path);
    for (let cut = 1; cut < 60; cut += 7) {
      await copyFile(path, broken);
      await truncate(broken, size - cut);
      await using index = await VectorIndex.open(broken, { append: true });
      assert.equal(index.size, 4);
      await index.add(unitVectors(1, dim, 3), ['again']);
      await using opened = await VectorIndex.open(broken);
      assert.equal(opened.size, 5);
    }
  });

  test('a flipped bit', async () => {
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at += 5) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 16;
      await writeFile(broken, flipped);
      for (const append of [false, true]) {
        await assert.rejects(VectorIndex.open(broken, { append }), code('ERR_INDEX_INVALID'));
      }
      assert.deepEqual(await readFile(broken), flipped);
    }
  });

  test('other files, a later version, no file, a folder', async () => {
    const later = Buffer.from(await readFile(path));
    later.writeUInt32LE(2, 8);
    for (const content of [Buffer.alloc(0), Buffer.from('short'), Buffer.alloc(100, 'x'), later]) {
      await writeFile(broken, content);
      await assert.rejects(VectorIndex.open(broken), code('ERR_INDEX_INVALID'));
    }
    await assert.rejects(VectorIndex.open(broken), /version 1, found 2/);
    await assert.rejects(VectorIndex.open(join(folder, 'none')), code('ERR_NOT_FOUND'));
    await assert.rejects(VectorIndex.open(folder), code('ERR_IO'));
    await assert.rejects(VectorIndex.open(''), TypeError);
    const index = VectorIndex.create({ dim });
    await assert.rejects(index.save(join(folder, 'none', 'x.index')), code('ERR_NOT_FOUND'));
  });

  test('a full disk fails the change and all later ones; earlier vectors stay', async () => {
    const limited = join(folder, 'limited.index');
    await VectorIndex.create({ dim }).save(limited);
    // Files may have at most 16 KiB.
    const command = `ulimit -f 16; exec '${process.execPath}' '${WRITER}' '${limited}'`;
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
    const lines = said.trimEnd().split('\n');
    assert.deepEqual(lines.slice(-2), ['ERR_IO', 'ERR_IO']);
    await using opened = await VectorIndex.open(limited);
    assert.equal(opened.size, Number(lines.at(-3)));
  });
});
