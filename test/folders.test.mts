// Tests which files of folders are taken as images, how links are followed, and file names that are
// not UTF-8.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, join, relative } from 'node:path';
import { before, describe, test } from 'node:test';

import { randomNumbers } from '#lib/bench/random';
import { readClassFolders } from '#lib/eval/class-folders';
import { readRetrievalDataset } from '#lib/eval/retrieval-dataset';
import { fileSystemPath, nameOfBytes } from '#lib/files/path-bytes';
import { findImages, listImages } from '#lib/image/folder';
import { decodeImage } from '#lib/image/index';
import { llm2clip, MAIN } from './support/cli.mts';
import { convertModel } from './support/device.mts';
import { CHECKPOINT, digits } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';
import { wholeBundle } from './support/text-bundle.mts';

const folder = temporaryFolder();
const [DIGIT, OTHER] = digits('gallery') as [string, string];

/** Makes a folder with empty files. */
function folderOf(name: string, ...files: string[]): string {
  const path = join(folder, name);
  for (const file of files) {
    mkdirSync(join(path, file, '..'), { recursive: true });
    writeFileSync(join(path, file), '');
  }
  return path;
}

const IMAGES = [
  ...['a.jpg', 'b.JPG', 'c.jpeg', 'd.jpe', 'e.jfif', 'f.png', 'g.apng', 'h.webp', 'i.gif'],
  ...['j.tif', 'k.TIFF', 'l.avif', 'm/n.JFIF', 'o.png/p.jpg'],
];

test('images sorted by name; other files are counted', async () => {
  const others = [
    '._a.jpg',
    'm/._n.png',
    'q.heic',
    'm/r.HEIC',
    's.bmp',
    't.txt',
    'NOTES',
    '.DS_Store',
  ];
  const path = folderOf('names', ...IMAGES, ...others);
  execFileSync('mkfifo', [join(path, 'pipe.jpg')]);
  symlinkSync('nowhere.jpg', join(path, 'broken.jpg'));
  const server = createServer().listen(join(path, 'socket.png'));
  await new Promise((resolve) => server.once('listening', resolve));
  const { images, leftOut } = await findImages([path]);
  server.close();
  assert.deepEqual(images.map((one) => relative(path, one)).sort(), [...IMAGES].sort());
  assert.deepEqual(Object.fromEntries(leftOut), {
    ...{ '._*': 2, '.heic': 2, '.bmp': 1, '.txt': 1, '.DS_Store': 1 },
    ...{ 'extensionless file': 1, 'special file': 2, 'broken link': 1 },
  });
});

describe('links', () => {
  const listed = async (path: string) =>
    (await listImages([path])).map((one) => relative(path, one));

  test('are followed, to files and to folders', async () => {
    const path = folderOf('followed', 'a.jpg');
    const outside = folderOf('outside', 'b.png', 'below/c.gif');
    symlinkSync(outside, join(path, 'link'));
    symlinkSync(join(outside, 'b.png'), join(path, 'd.png'));
    assert.deepEqual(await listed(path), ['a.jpg', 'd.png', 'link/b.png', 'link/below/c.gif']);
  });

  test('in a circle end', async () => {
    const path = folderOf('loops', 'a.jpg', 'one/b.jpg', 'two/c.jpg');
    for (const [name, to] of [
      ['one/self', '.'],
      ['one/other', '../two'],
      ['two/other', '../one'],
      ['two/root', '..'],
    ] as const) {
      symlinkSync(to, join(path, name));
    }
    assert.deepEqual(await listed(path), ['a.jpg', 'one/b.jpg', 'two/c.jpg']);
    symlinkSync('itself', join(path, 'itself'));
    assert.deepEqual(await listed(path), ['a.jpg', 'one/b.jpg', 'two/c.jpg']);
  });

  test('to the same folder are followed once, by the first name', async () => {
    const path = folderOf('twice', 'a.jpg');
    const outside = folderOf('shared', 'b.jpg');
    for (const name of ['z', 'y', 'x']) symlinkSync(outside, join(path, name));
    assert.deepEqual(await listed(path), ['a.jpg', 'x/b.jpg']);
    // A folder that the caller names is listed, whatever else links to it.
    assert.deepEqual(await listed(join(path, 'y')), ['b.jpg']);
  });
});

test('a subfolder that cannot be read is left out and counted', {
  skip: process.getuid?.() === 0 && 'root may read every folder',
}, async () => {
  const path = folderOf('partly', 'a.jpg', 'lost+found/b.jpg');
  const locked = join(path, 'lost+found');
  chmodSync(locked, 0);
  try {
    const { images, leftOut } = await findImages([path]);
    assert.deepEqual(images, [join(path, 'a.jpg')]);
    assert.deepEqual([...leftOut], [['unreadable folder', 1]]);
    await assert.rejects(findImages([locked]), { code: 'ERR_IO' });
  } finally {
    chmodSync(locked, 0o700);
  }
});

test('an abort ends the search', async () => {
  const path = folderOf('aborted', 'a.jpg');
  const signal = AbortSignal.abort(new Error('enough'));
  await assert.rejects(findImages([path], { signal }), /enough/);
});

describe('names of any bytes', () => {
  test('become the strings of Python’s os.fsdecode', () => {
    // The expected values are from Python 3.11: python3 -c 'import os;
    // print(ascii(os.fsdecode(b"...")))'
    const DECODED: [string, string][] = [
      ['caf\xe9.png', 'caf\udce9.png'],
      ['\xff\xfe', '\udcff\udcfe'],
      ['\xc3\xa9\xe9', '\u00e9\udce9'],
      ['\xed\xa0\x80', '\udced\udca0\udc80'],
      ['\xf0\x9f\x98\x80\x80', '\ud83d\ude00\udc80'],
      ['\xe2\x82', '\udce2\udc82'],
      ['\xc0\xaf', '\udcc0\udcaf'],
    ];
    for (const [bytes, name] of DECODED) {
      const buffer = Buffer.from(bytes, 'latin1');
      assert.equal(nameOfBytes(buffer), name);
      assert.deepEqual(Buffer.from(fileSystemPath(name)), buffer);
      assert.equal(JSON.parse(JSON.stringify(name)), name);
    }
    const random = randomNumbers(1);
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(Array.from({ length: 6 }, () => Math.floor(256 * random())));
      assert.deepEqual(Buffer.from(fileSystemPath(nameOfBytes(bytes))), bytes);
    }
  });
});

/** A name in Latin-1, as old archives have them. Some file systems refuse such names. */
const LATIN = Buffer.from('caf\xe9.png', 'latin1');
const LATIN_NAME = 'caf\udce9.png';

describe('llm2clip', () => {
  const bundle = join(folder, 'digits.bundle');
  const images = join(folder, 'images');
  const latin = Buffer.concat([Buffer.from(`${images}/`), LATIN]);
  let skip: string | false = false;
  before(async () => {
    await convertModel(CHECKPOINT, { out: bundle, precision: 'fp32' });
    mkdirSync(images);
    copyFileSync(DIGIT, join(images, 'a.png'));
    for (const name of ['b.heic', 'c.heic', 'd.bmp']) writeFileSync(join(images, name), '');
    execFileSync('mkfifo', [join(images, 'pipe.png')]);
    try {
      copyFileSync(OTHER, latin);
    } catch {
      skip = 'this file system takes names of UTF-8 alone';
    }
  });

  test('encode reports what it left out, and reads names that are not UTF-8', async (t) => {
    if (skip) return t.skip(skip);
    const out = join(folder, 'out.jsonl');
    const { code, json, stderr } = await llm2clip('encode', bundle, images, '--json', '--out', out);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, 'llm2clip: 2 .heic, 1 .bmp, 1 special file not read\n');
    const names = (lines: unknown[]) => (lines as { image: string }[]).map(({ image }) => image);
    assert.deepEqual(names(json()), [join(images, 'a.png'), join(images, LATIN_NAME)]);
    const lines = readFileSync(out, 'utf8').trim().split('\n');
    assert.deepEqual(names(lines.map((line) => JSON.parse(line))), names(json()));
    const raw = await decodeImage(names(json())[1] as string, {
      ...{ maxPixels: 1e6, autoOrient: false, transfer: false },
    });
    assert.equal(raw.width, 32);
    const plain = await llm2clip('encode', bundle, images);
    assert.match(plain.stdout, /caf\\xe9\.png\t/);
  });

  test('a file with such a name is found if a shell passes it', async (t) => {
    if (skip) return t.skip(skip);
    const script = '"$0" "$1" encode "$2" "$3"/caf*.png --json';
    const args = ['-c', script, process.execPath, MAIN, bundle, images];
    const { image } = JSON.parse(execFileSync('sh', args, { encoding: 'utf8' }));
    assert.equal(image, join(images, LATIN_NAME));
  });

  test('index keeps such names, finds them again and drops them', async (t) => {
    if (skip) return t.skip(skip);
    const index = (...more: string[]) =>
      llm2clip(
        'index',
        images,
        '--bundle',
        bundle,
        '--out',
        join(folder, 'x.index'),
        '--json',
        ...more,
      );
    const first = await index();
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /2 \.heic, 1 \.bmp, 1 special file not read/);
    assert.equal((first.json()[0] as { added: number }).added, 2);
    assert.equal(((await index()).json()[0] as { unchanged: number }).unchanged, 2);
    const found = await llm2clip('search', join(folder, 'x.index'), OTHER, '--json', '-k', '1');
    const [{ results }] = found.json() as [{ results: { image: string }[] }];
    assert.equal(results[0]?.image, join(images, LATIN_NAME));
    rmSync(latin);
    assert.equal(((await index('--prune')).json()[0] as { removed: number }).removed, 1);
  });

  test('a pipe is refused without waiting', async () => {
    for (const words of [
      ['encode', bundle],
      ['index', '--bundle', bundle, '--out', join(folder, 'y.index')],
    ]) {
      const { code, stderr } = await llm2clip(...words, join(images, 'pipe.png'));
      assert.equal(code, 1);
      assert.match(stderr, /ERR_IO: expected an image at .*pipe\.png, found a named pipe/);
    }
  });
});

describe('datasets', () => {
  test('class folders: only images and folders count', async () => {
    const path = folderOf(
      'classes',
      'cat/a.jpg',
      'cat/._a.jpg',
      'cat/b.heic',
      'dog/c.JFIF',
      '.git/d.jpg',
      'list.txt',
    );
    execFileSync('mkfifo', [join(path, 'pipe')]);
    symlinkSync(join(path, 'dog'), join(path, 'hound'));
    const { labels, images, leftOut } = await readClassFolders(path);
    assert.deepEqual(labels, ['cat', 'dog', 'hound']);
    assert.deepEqual(
      images.map((one) => basename(one)),
      ['a.jpg', 'c.JFIF', 'c.JFIF'],
    );
    assert.deepEqual(Object.fromEntries(leftOut), { '._*': 1, '.heic': 1 });
  });

  test('annotations and captions: the files that macOS writes beside them are ignored', async () => {
    const path = folderOf('annotated', 'a.jpg', '._captions.json');
    writeFileSync(join(path, 'captions.json'), JSON.stringify([{ image: 'a.jpg', caption: 'a' }]));
    assert.equal((await readRetrievalDataset(path)).annotations, join(path, 'captions.json'));
    const urban = folderOf('urban', 'image/1.jpg', 'image/._1.jpg', 'caption/._1.txt');
    writeFileSync(join(urban, 'caption/1.txt'), 'one\n');
    assert.deepEqual((await readRetrievalDataset(urban)).texts, ['one']);
  });

  test('llm2clip eval zeroshot reports what it left out', async () => {
    const whole = await wholeBundle(join(folder, 'whole'));
    const path = folderOf('shown', 'four/b.heic', 'five/c.bmp', 'five/d.bmp');
    copyFileSync(DIGIT, join(path, 'four/a.png'));
    copyFileSync(OTHER, join(path, 'five/a.png'));
    const { code, stderr } = await llm2clip('eval', 'zeroshot', whole, path, '--json');
    assert.equal(code, 0, stderr);
    assert.equal(stderr, 'llm2clip: 2 .bmp, 1 .heic not read\n');
  });
});
