// Tests rows 5 and 6 of FAULTS.md: a bundle is read completely or refused, and written completely
// or not at all.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { HASHED_HERE } from '#lib/bundle/digest';
import { type Manifest, parseManifest } from '#lib/bundle/manifest';
import { openBundle } from '#lib/bundle/open';
import { writeBundle } from '#lib/bundle/write';
import { makeFolderOf } from '#lib/files/staging';
import { loadNative } from '#lib/native';
import { CONTENT, QUANTISATION } from './support/bundle-content.mts';
import { temporaryFolder } from './support/temporary.mts';

const { exchangeDirectories: exchange } = loadNative();
const WRITER = fileURLToPath(new URL('./support/bundle-writer.mjs', import.meta.url));

/**
 * The command line of a program that replaces a bundle by one whose engine file has `bytes` bytes.
 */
const replacing = (out: string, bytes: number, ...words: string[]) => [
  ...[process.execPath, WRITER, out, JSON.stringify(CONTENT), `${bytes}`, ...words],
];

/** Writes a bundle whose only engine file contains `text`. */
function write(out: string, text: string | Buffer, force = false): Promise<Manifest> {
  return writeBundle(out, { force, exchange }, async (folder) => {
    await mkdir(join(folder, 'vision/1'), { recursive: true });
    await writeFile(join(folder, 'vision/1/model.pt'), text);
    return CONTENT;
  });
}

/** Returns the text of the engine file as a reader of the bundle gets it, with checked digests. */
async function read(out: string): Promise<string> {
  const bundle = await openBundle(out);
  try {
    return await readFile(await bundle.verify('vision/1/model.pt'), 'utf8');
  } finally {
    await bundle.close();
  }
}

async function edit(out: string, change: (manifest: Record<string, unknown>) => void) {
  const path = join(out, 'llm2clip.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

describe('reading', () => {
  const folder = temporaryFolder();
  let out: string;
  before(() => write(join(folder, 'good'), 'engine'));

  const damaged = async (name: string, damage: (out: string) => Promise<unknown>) => {
    out = join(folder, name);
    await cp(join(folder, 'good'), out, { recursive: true });
    await damage(out);
  };

  test('a good bundle', async () => {
    assert.equal(await read(join(folder, 'good')), 'engine');
  });

  /**
   * Makes a snapshot as in the Hugging Face cache: every file is a link to the `target` for its
   * digest.
   */
  async function snapshot(name: string, target: (digest: string, up: string) => string) {
    const cache = join(folder, name);
    const path = join(cache, 'snapshots/main');
    await mkdir(join(cache, 'blobs'), { recursive: true });
    await mkdir(join(path, 'vision/1'), { recursive: true });
    for (const [i, file] of ['llm2clip.json', 'vision/1/model.pt'].entries()) {
      const digest = String(i).repeat(64);
      await cp(join(folder, 'good', file), join(cache, 'blobs', digest));
      const up = '../'.repeat(2 + file.split('/').length - 1);
      await symlink(target(digest, up), join(path, file));
    }
    return path;
  }

  test("the hub's cache, whose files are links into a folder of blobs", async () => {
    const path = await snapshot('hub', (digest, up) => `${up}blobs/${digest}`);
    assert.equal(await read(path), 'engine');
    await writeFile(join(folder, 'hub/blobs', '1'.repeat(64)), 'enginf');
    await assert.rejects(read(path), { code: 'ERR_BUNDLE_INVALID' });
  });

  const ELSEWHERE: Record<string, (digest: string, up: string) => string> = {
    'by an absolute path': (digest) => join(folder, 'absolute/blobs', digest),
    'to what is no digest': (_, up) => `${up}blobs/../../good/vision/1/model.pt`,
    'past the folder of blobs': (_, up) => `${up}good/vision/1/model.pt`,
  };
  for (const [where, target] of Object.entries(ELSEWHERE)) {
    test(`no link that leads ${where}`, async () => {
      const path = await snapshot(where.split(' ').at(-1) ?? where, target);
      await assert.rejects(read(path), { code: 'ERR_BUNDLE_INVALID' });
    });
  }

  test('a large file, which a thread of its own hashes; a small one needs none', async () => {
    const out = join(folder, 'large');
    const started: Worker[] = [];
    const note = (worker: Worker) => started.push(worker);
    process.on('worker', note);
    try {
      for (const [bytes, threads] of [
        [HASHED_HERE, 0],
        [HASHED_HERE + 1, 1],
      ] as const) {
        started.length = 0;
        const content = Buffer.alloc(bytes, 'a bundle');
        const manifest = await write(out, content, true);
        const sha256 = createHash('sha256').update(content).digest('hex');
        assert.deepEqual(manifest.files['vision/1/model.pt'], { bytes, sha256 });
        assert.equal((await read(out)).length, bytes);
        // One that writes and one that reads.
        assert.equal(started.length, 2 * threads);
      }
      await truncate(join(out, 'vision/1/model.pt'), HASHED_HERE);
      await truncate(join(out, 'vision/1/model.pt'), HASHED_HERE + 1);
      await assert.rejects(read(out), { code: 'ERR_BUNDLE_INVALID', message: /expected sha256/ });
    } finally {
      process.off('worker', note);
    }
  });

  test('a missing path, or a file', async () => {
    await assert.rejects(read(join(folder, 'none')), { code: 'ERR_NOT_FOUND' });
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(read(join(folder, 'file')), { code: 'ERR_BUNDLE_INVALID' });
    await mkdir(join(folder, 'empty'));
    await assert.rejects(read(join(folder, 'empty')), { code: 'ERR_BUNDLE_INVALID' });
  });

  const DAMAGES: Record<string, (out: string) => Promise<unknown>> = {
    'a flipped bit': (out) => writeFile(join(out, 'vision/1/model.pt'), 'enginf'),
    'a truncated engine': (out) => truncate(join(out, 'vision/1/model.pt'), 3),
    'a longer engine': (out) => writeFile(join(out, 'vision/1/model.pt'), 'engine!'),
    'a missing engine': (out) => rm(join(out, 'vision/1/model.pt')),
    'an engine that is a link': async (out) => {
      await rm(join(out, 'vision/1/model.pt'));
      await symlink(join(folder, 'good/vision/1/model.pt'), join(out, 'vision/1/model.pt'));
    },
    'an engine that is a folder': async (out) => {
      await rm(join(out, 'vision/1/model.pt'));
      await mkdir(join(out, 'vision/1/model.pt'));
    },
    'a manifest that is not JSON': (out) => truncate(join(out, 'llm2clip.json'), 20),
    'a manifest of another kind': (out) => writeFile(join(out, 'llm2clip.json'), '[]'),
    'a path out of the bundle': (out) =>
      edit(out, (manifest) => {
        manifest.parts = { vision: '../good/vision/1/model.pt' };
        const files = manifest.files as Record<string, unknown>;
        files['../good/vision/1/model.pt'] = files['vision/1/model.pt'];
      }),
    'an absolute path': (out) =>
      edit(out, (manifest) => {
        (manifest.files as Record<string, unknown>)['/etc/passwd'] = {
          bytes: 1,
          sha256: 'a'.repeat(64),
        };
      }),
    'an engine that the manifest does not list': (out) =>
      edit(out, (manifest) => {
        manifest.files = {};
      }),
    'a deviation of zero': (out) =>
      edit(out, (manifest) => {
        (manifest.preprocessing as { std: number[] }).std = [0, 1, 1];
      }),
    'int8 that says nothing of its quantisation': (out) =>
      edit(out, (manifest) => Object.assign(manifest, { precision: 'int8' })),
    'a quantisation of fp32': (out) =>
      edit(out, (manifest) => Object.assign(manifest, { quantisation: QUANTISATION })),
    'a family nobody knows': (out) =>
      edit(out, (manifest) => {
        (manifest.model as { family: string }).family = 'resnet';
      }),
  };
  for (const [name, damage] of Object.entries(DAMAGES)) {
    test(name, async () => {
      await damaged(name, damage);
      await assert.rejects(read(out), { code: 'ERR_BUNDLE_INVALID' });
    });
  }

  const QUANTISATIONS: Record<string, object> = {
    'no pictures': { pictures: 0 },
    'a cosine above 1': { minCosine: 1.1 },
    'a cosine that is no number': { allInt8MinCosine: null },
    'layers that are no list': { layers: {} },
    'a layer that is none': { layers: [null] },
    'a layer of another precision': { layers: [{ ...QUANTISATION.layers[0], precision: 'fp16' }] },
    'a layer without a name': { layers: [{ ...QUANTISATION.layers[0], name: 7 }] },
  };
  for (const [name, damage] of Object.entries(QUANTISATIONS)) {
    test(`quantisation: ${name}`, async () => {
      const quantisation = { ...QUANTISATION, ...damage };
      await damaged(`quantisation, ${name}`, (out) =>
        edit(out, (manifest) => Object.assign(manifest, { precision: 'int8', quantisation })),
      );
      const field = new RegExp(`quantisation\\.${Object.keys(damage)[0]}`);
      await assert.rejects(read(out), { code: 'ERR_BUNDLE_INVALID', message: field });
    });
  }

  test('quantisation', async () => {
    await damaged('int8', (out) =>
      edit(out, (manifest) =>
        Object.assign(manifest, { precision: 'int8', quantisation: QUANTISATION }),
      ),
    );
    assert.equal(await read(out), 'engine');
  });

  test('a newer format', async () => {
    await damaged('newer', (out) =>
      edit(out, (manifest) => Object.assign(manifest, { formatVersion: 4 })),
    );
    await assert.rejects(read(out), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /found 4.*update/,
    });
  });
});

describe('writing', () => {
  test('refuses an existing bundle, replaces it with force, and never replaces anything else', async () => {
    const out = join(temporaryFolder(), 'bundle');
    await write(out, 'old');
    await assert.rejects(write(out, 'new'), { code: 'ERR_BUNDLE_EXISTS', message: /--force/ });
    assert.equal(await read(out), 'old');
    await write(out, 'new', true);
    assert.equal(await read(out), 'new');

    const foreign = join(temporaryFolder(), 'photographs');
    await mkdir(foreign);
    await writeFile(join(foreign, 'cat.jpg'), 'meow');
    await assert.rejects(write(foreign, 'new', true), { code: 'ERR_BUNDLE_EXISTS' });
    assert.deepEqual(await readdir(foreign), ['cat.jpg']);
  });

  test('leaves nothing behind if writing fails', async () => {
    const folder = temporaryFolder();
    const boom = new Error('boom');
    const failing = writeBundle(join(folder, 'bundle'), { force: false, exchange }, () =>
      Promise.reject(boom),
    );
    await assert.rejects(failing, boom);
    assert.deepEqual(await readdir(folder), []);
    await assert.rejects(write('/proc/llm2clip-bundle', 'x'), { code: 'ERR_IO' });
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(write(join(folder, 'file/bundle'), 'x'), { code: 'ERR_IO' });
  });

  test("a staging folder's subfolders are created, but not the folder itself", async () => {
    const filled = join(temporaryFolder(), 'filled');
    await mkdir(filled);
    for (const file of ['vision/1/model.pt', 'vision/config.pbtxt']) {
      await makeFolderOf(filled, file);
      await writeFile(join(filled, file), '');
    }
    await rm(filled, { recursive: true });
    await assert.rejects(makeFolderOf(filled, 'vision/1/model.pt'), { code: 'ENOENT' });
  });

  test('a full disk is ERR_IO and leaves the old bundle', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'bundle');
    await write(out, 'old');
    // A limit on the size of files makes writes fail as on a full disk. It needs a process of its
    // own.
    const child = spawn('bash', [
      '-c',
      'ulimit -f 64; trap "" XFSZ; exec "$@"',
      'bash',
      ...replacing(out, 1_000_000),
    ]);
    const said = await outputOf(child);
    assert.match(said, /ERR_IO/);
    assert.equal(await read(out), 'old');
    assert.deepEqual(await readdir(folder), ['bundle']);
  });

  test('two processes write to one path: one succeeds, and both end without damage', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'bundle');
    const texts = ['11', '22'];
    const results = await Promise.allSettled(texts.map((text) => write(out, text)));
    const refused = results.filter((result) => result.status === 'rejected');
    assert.equal(refused.length, 1);
    assert.equal(refused[0]?.reason.code, 'ERR_BUNDLE_EXISTS');
    assert.ok(texts.includes(await read(out)));
    assert.deepEqual(await readdir(folder), ['bundle']);
  });

  test('an open bundle stays usable when another one replaces it', async () => {
    const out = join(temporaryFolder(), 'bundle');
    await write(out, 'old');
    const bundle = await openBundle(out);
    await write(out, 'new', true);
    assert.equal(await readFile(await bundle.verify('vision/1/model.pt'), 'utf8'), 'old');
    await bundle.close();
    assert.equal(await read(out), 'new');
  });

  test('a reader in the middle of many replacements sees one bundle or the other', async (t) => {
    const out = join(temporaryFolder(), 'bundle');
    await write(out, 'first');
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 20; i++) await write(out, `engine ${i} ${'x'.repeat(i * 100)}`, true);
      writing = false;
    })();
    let reads = 0;
    for (; writing || reads === 0; reads++)
      assert.match(await read(out), /^(first|engine \d+ x*)$/);
    await writer;
    t.diagnostic(`${reads} reads during 20 replacements`);
  });

  test('kill -9 at any moment leaves the old bundle or the new one', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'bundle');
    await write(out, 'old');
    const seen = new Set<string>();
    for (let round = 0; round < 10; round++) {
      // The child replaces the bundle for ever and prints a line after each time. It is killed at
      // various moments, which cover all steps of a replacement.
      const [program = '', ...args] = replacing(out, 200_000, 'forever');
      const child = spawn(program, args);
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, round));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const text = await read(out);
      seen.add(text.slice(0, 3));
      assert.match(text, /^(old|new\d+ x{200000})$/);
    }
    await write(out, 'last', true);
    assert.equal(await read(out), 'last');
    assert.deepEqual(await readdir(folder), ['bundle'], 'leftovers of the dead are swept');
    assert.ok(seen.has('new'));
  });

  test('the manifest is read as it was written', async () => {
    const out = join(temporaryFolder(), 'bundle');
    const manifest = await write(out, 'engine');
    assert.deepEqual(parseManifest(await readFile(join(out, 'llm2clip.json'), 'utf8')), manifest);
    assert.deepEqual(Object.keys(manifest.files), ['vision/1/model.pt', 'vision/config.pbtxt']);
  });
});

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (piece) => {
    text += piece;
  });
  child.stderr?.on('data', (piece) => {
    text += piece;
  });
  await once(child, 'close');
  return text;
}
