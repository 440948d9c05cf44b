import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Manifest } from 'llm2clip';
import { llm2clip, MAIN } from './support/cli.mts';
import { IMAGES } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const CHECKPOINT = fixture('digits/digits-eva02.pt');
const PHOTOGRAPHS = [fixture('images/china.jpg'), fixture('images/flower.jpg')];

describe('usage', { concurrency: 2 }, () => {
  const WRONG: string[][] = [
    [],
    ['nonsense'],
    ['convert'],
    ['convert', 'x.pt'],
    ['convert', 'x.pt', '--out', 'y', '--precision', 'fp64'],
    ['convert', 'x.pt', '--out', 'y', '--max-batch', '0'],
    ['convert', 'x.pt', '--out', 'y', '--nonsense'],
    ['encode', 'bundle'],
    ['import', 'x.pt', '--out', 'y', '--family', 'resnet', '--image-size', '56'],
    ['import', 'x.pt', '--out', 'y', '--family', 'eva02'],
    ['inspect'],
    ['runtime', 'nonsense'],
  ];
  for (const args of WRONG) {
    test(`wrong: llm2clip ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await llm2clip(...args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /error|Usage/);
    });
  }

  for (const command of ['runtime', 'convert', 'import', 'encode', 'heatmap', 'inspect']) {
    test(`${command} --help`, async () => {
      const { code, stdout } = await llm2clip(command, '--help');
      assert.equal(code, 0);
      assert.match(stdout, /Usage: llm2clip/);
    });
  }

  test('--version is the package’s', async () => {
    const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    assert.equal((await llm2clip('--version')).stdout, `${version}\n`);
  });

  test('options that exclude each other', async () => {
    for (const [words, message] of [
      [['--compute-capability', '8.9'], /expected nothing with engine torchscript/],
      [['--engine', 'tensorrt-rtx', '--portable'], /expected false with engine tensorrt-rtx/],
      [['--engine', 'tensorrt-rtx', '--precision', 'int8'], /expected fp16, bf16 or fp32/],
      [['--engine', 'tensorrt-rtx', '--compute-capability', 'ada'], /such as/],
    ] as const) {
      const { code, stderr } = await llm2clip('convert', CHECKPOINT, '--out', 'never', ...words);
      assert.equal(code, 2);
      assert.match(stderr, /ERR_INVALID_ARG/);
      assert.match(stderr, message);
    }
  });
});

describe('int8', () => {
  const folder = temporaryFolder();
  const gallery = join(IMAGES, 'gallery');
  const converted = (...words: string[]) =>
    llm2clip('convert', CHECKPOINT, '--out', join(folder, 'int8.bundle'), ...words);

  test('wrong usage gives one line with the remedy', async () => {
    for (const [words, message] of [
      [['--precision', 'int8'], /--calibrate FOLDER/],
      [['--calibrate', gallery], /only int8/],
      [['--precision', 'int8', '--portable', '--calibrate', gallery], /options\.portable/],
    ] as const) {
      const { code, stdout, stderr } = await converted(...words);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /^llm2clip: ERR_INVALID_ARG: [^\n]+\n$/);
      assert.match(stderr, message);
    }
  });

  test('a folder without images', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const { code, stderr } = await converted('--precision', 'int8', '--calibrate', empty);
    assert.equal(code, 1);
    assert.match(stderr, /^llm2clip: ERR_NOT_FOUND: expected images in .*empty, found none\n$/);
    assert.deepEqual(await readdir(folder), ['empty']);
  });

  test('convert and inspect report the result of the calibration', async () => {
    const words = ['--precision', 'int8', '--force', '--calibrate', gallery];
    const { code, stdout, stderr } = await converted(...words);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /in int8, .* MB\n/);
    assert.match(stdout, /\ncalibrated +on 32 images\nleast cosine +0\.99\d{4}/);
    assert.match(stdout, /\d\.\d{6} with every layer in int8\n/);
    const [, kept, layers] = stdout.match(/in bf16 +(\d+) of (\d+) layers/) ?? [];
    assert.ok(Number(layers) >= 16);
    assert.equal(stdout.match(/^ {2}blocks\.\S+ +-?\d\.\d{6}$/gm)?.length ?? 0, Number(kept));
    const report = stdout.split('\n').slice(1).join('\n');
    const inspected = await llm2clip('inspect', join(folder, 'int8.bundle'));
    for (const line of report.trim().split('\n')) {
      const words = line.split(/\s{2,}/).filter((word) => word !== '');
      for (const word of words) assert.ok(inspected.stdout.includes(word), word);
    }
    const { json } = await llm2clip('inspect', join(folder, 'int8.bundle'), '--json');
    const [{ manifest }] = json() as [{ manifest: Manifest }];
    assert.equal(manifest.quantisation?.layers.length, Number(layers));
  });
});

describe('from checkpoint to embedding', () => {
  const folder = temporaryFolder();
  const bundle = join(folder, 'digits.bundle');
  before(async () => {
    const { code, stderr } = await llm2clip(
      'convert',
      CHECKPOINT,
      '--out',
      bundle,
      '--precision',
      'fp32',
    );
    assert.equal(code, 0, stderr);
  });

  test('encode --json: one line per image; a bad image is reported, the others are encoded', async () => {
    const images = [PHOTOGRAPHS[0] as string, join(folder, 'none.jpg'), PHOTOGRAPHS[1] as string];
    const result = await llm2clip('encode', bundle, ...images, '--json');
    assert.equal(result.code, 1);
    const lines = result.json() as {
      image: string;
      embedding?: number[];
      error?: { code: string };
    }[];
    assert.deepEqual(
      lines.map(({ image }) => image),
      images,
    );
    assert.equal(lines[1]?.error?.code, 'ERR_NOT_FOUND');
    for (const i of [0, 2]) {
      const embedding = lines[i]?.embedding as number[];
      const norm = Math.hypot(...embedding);
      assert.ok(Math.abs(norm - 1) < 1e-5, `norm ${norm}`);
    }
  });

  test('encode --out: a .npy file whose failed rows are NaN', async () => {
    const out = join(folder, 'all.npy');
    const result = await llm2clip('encode', bundle, ...PHOTOGRAPHS, '/nowhere.jpg', '--out', out);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /ERR_NOT_FOUND/);
    const file = await readFile(out);
    assert.equal(file.subarray(0, 6).toString('latin1'), '\x93NUMPY');
    const end = 10 + file.readUInt16LE(8);
    assert.equal(end % 64, 0);
    const dim = (file.length - end) / 4 / 3;
    const header = file.subarray(10, end).toString();
    assert.match(
      header,
      new RegExp(`'descr': '<f4', 'fortran_order': False, 'shape': \\(3, ${dim}\\)`),
    );
    const data = new Float32Array(
      file.buffer.slice(file.byteOffset + end, file.byteOffset + file.length),
    );
    assert.ok(data.subarray(0, 2 * dim).every(Number.isFinite));
    assert.ok(data.subarray(2 * dim).every(Number.isNaN));
  });

  test('encode --out: a .jsonl file with the lines of --json', async () => {
    const out = join(folder, 'all.jsonl');
    const images = [PHOTOGRAPHS[0] as string, '/nowhere.jpg'];
    const { stdout, code } = await llm2clip('encode', bundle, ...images, '--json', '--out', out);
    assert.equal(code, 1);
    assert.equal(await readFile(out, 'utf8'), stdout);
    assert.match(stdout, /ERR_NOT_FOUND/);
  });

  test('encode: a folder stands for its images and those of its subfolders, sorted by name', async () => {
    const images = join(folder, 'images');
    await mkdir(join(images, 'b'), { recursive: true });
    await mkdir(join(images, 'empty'));
    for (const name of ['c.jpg', 'a.JPEG', 'b/x.jpg', 'notes.txt']) {
      await copyFile(PHOTOGRAPHS[0] as string, join(images, name));
    }
    const { json, code } = await llm2clip('encode', bundle, images, '--json');
    assert.equal(code, 0);
    const names = ['a.JPEG', 'b/x.jpg', 'c.jpg'].map((name) => join(images, name));
    assert.deepEqual(
      (json() as { image: string }[]).map(({ image }) => image),
      names,
    );
    const none = await llm2clip('encode', bundle, join(images, 'empty'));
    assert.equal(none.code, 1);
    assert.match(none.stderr, /ERR_NOT_FOUND: expected images in .*empty, found none/);
  });

  test('encode --out: a path that cannot be written is reported before any computation', async () => {
    const odd = await llm2clip('encode', bundle, '/nowhere.jpg', '--out', join(folder, 'x.txt'));
    assert.equal(odd.code, 2);
    assert.match(odd.stderr, /\.npy or \.jsonl/);
    const out = join(folder, 'no', 'such', 'folder.npy');
    const lost = await llm2clip('encode', join(folder, 'no.bundle'), '/nowhere.jpg', '--out', out);
    assert.equal(lost.code, 1);
    assert.match(lost.stderr, /ERR_IO: cannot write/);
    // A command that fails leaves no partial file.
    const failed = ['encode', join(folder, 'no.bundle'), '/nowhere.jpg', '--out'];
    assert.equal((await llm2clip(...failed, join(folder, 'begun.npy'))).code, 1);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('begun')),
      [],
    );
  });

  test('encode: a progress bar, on a terminal only', async (t) => {
    const command = [MAIN, 'encode', bundle, ...PHOTOGRAPHS, '--out', join(folder, 'bar.npy')];
    const line = [process.execPath, ...command].map((word) => `'${word}'`).join(' ');
    const terminal = spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8' });
    if (terminal.error) return t.skip('no script(1), which makes a terminal');
    assert.equal(terminal.status, 0);
    assert.match(terminal.stdout, /█+░+ 1 of 2, [\d.]+\/s, \d+ s left/);
    assert.equal((await llm2clip(...command.slice(1))).stderr, '');
  });

  test('encode --no-normalize gives the raw projection with the same direction', async () => {
    const image = PHOTOGRAPHS[0] as string;
    const embedding = async (...words: string[]) =>
      (
        (await llm2clip('encode', bundle, image, '--json', ...words)).json()[0] as {
          embedding: number[];
        }
      ).embedding;
    const raw = await embedding('--no-normalize');
    const unit = await embedding();
    const norm = Math.hypot(...raw);
    assert.ok(Math.abs(norm - 1) > 1e-3);
    for (const [i, x] of unit.entries()) assert.ok(Math.abs(x - (raw[i] as number) / norm) < 1e-6);
  });

  test('errors of a whole command are one line and, with --json, JSON', async () => {
    const again = await llm2clip('convert', CHECKPOINT, '--out', bundle, '--json');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^llm2clip: ERR_BUNDLE_EXISTS: .*--force\n$/);
    const [line] = again.json() as { error: { code: string } }[];
    assert.equal(line?.error.code, 'ERR_BUNDLE_EXISTS');
    for (const [args, code, exit] of [
      [['encode', join(folder, 'none'), 'x.jpg'], 'ERR_NOT_FOUND', 1],
      [['inspect', join(folder, 'none')], 'ERR_NOT_FOUND', 1],
      [['convert', join(folder, 'none.pt'), '--out', join(folder, 'new')], 'ERR_NOT_FOUND', 1],
      [['encode', bundle, 'x.jpg', '--device', 'cuda'], 'ERR_DEVICE_UNAVAILABLE', 1],
      [['encode', bundle, 'x.jpg', '--device', 'toaster'], 'ERR_INVALID_ARG', 2],
    ] as const) {
      const result = await llm2clip(...args);
      assert.equal(result.code, exit);
      assert.match(result.stderr, new RegExp(`^llm2clip: ${code}: [^\n]+\n$`));
    }
    assert.ok(!(await readdir(folder)).includes('new'));
  });

  test('convert --force replaces a bundle, and inspect describes it', async () => {
    const forced = await llm2clip(
      'convert',
      CHECKPOINT,
      '--out',
      bundle,
      '--force',
      '--precision',
      'fp32',
      '--json',
    );
    assert.equal(forced.code, 0, forced.stderr);
    const [manifest, ...rest] = forced.json() as Manifest[];
    assert.equal(manifest?.precision, 'fp32');
    assert.deepEqual(rest, []);
    const { code, stdout } = await llm2clip('inspect', bundle);
    assert.equal(code, 0);
    assert.match(stdout, /eva02/);
    assert.match(stdout, /verified/);
    assert.match((await llm2clip('inspect', CHECKPOINT)).stdout, /official/);
  });

  test('import accepts a file made elsewhere, and refuses a file that is no engine', async () => {
    const portable = join(folder, 'portable.bundle');
    await llm2clip('convert', CHECKPOINT, '--out', portable, '--portable', '--precision', 'fp32');
    const imported = join(folder, 'imported.bundle');
    const words = ['--out', imported, '--family', 'eva02', '--image-size', '56'];
    const done = await llm2clip('import', join(portable, 'vision/1/model.pt'), ...words);
    assert.equal(done.code, 0, done.stderr);
    const image = PHOTOGRAPHS[0] as string;
    const embeddings = await Promise.all(
      [bundle, portable, imported].map(
        async (path) =>
          ((await llm2clip('encode', path, image, '--json')).json()[0] as { embedding: number[] })
            .embedding,
      ),
    );
    for (const other of embeddings.slice(1)) {
      for (const [i, x] of other.entries()) {
        assert.ok(Math.abs(x - (embeddings[0]?.[i] as number)) < 1e-5);
      }
    }
    const text = join(folder, 'text.pt');
    await writeFile(text, 'no engine');
    const refused = await llm2clip('import', text, '--out', join(folder, 'no'), ...words.slice(2));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /ERR_ENGINE_INCOMPATIBLE/);
    assert.ok(!(await readdir(folder)).includes('no'));
  });

  test('a reader may close the pipe early', async () => {
    const images = Array.from({ length: 40 }, () => PHOTOGRAPHS[0]).join(' ');
    const script = `${process.execPath} ${MAIN} encode ${bundle} ${images} --json | head -n 1 | cut -c 1-8; exit \${PIPESTATUS[0]}`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
  });
});
