// Tests the examples by running them as a reader would.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LLM2CLIP } from 'llm2clip';
import { convertModel } from './support/device.mts';
import { CHECKPOINT, digits } from './support/digits.mts';
import { image } from './support/images.mts';
import { temporaryFolder } from './support/temporary.mts';
import { wholeBundle } from './support/text-bundle.mts';
import { until } from './support/until.mts';
import { cosine } from './support/vectors.mts';

const LANCEDB = fileURLToPath(new URL('../examples/lancedb.mjs', import.meta.url));
const SERVICE = fileURLToPath(new URL('../examples/service.mjs', import.meta.url));

/**
 * Makes a request use a connection of its own. A kept connection may be closed by the service when
 * it is reused.
 */
const ALONE = { headers: { connection: 'close' } };

describe('service.mjs', () => {
  const bundle = join(temporaryFolder(), 'digits');
  const images = digits('heldout').slice(0, 20);
  let service: ReturnType<typeof spawn>;
  let origin: string;
  before(async () => {
    await convertModel(CHECKPOINT, { out: bundle, precision: 'fp32' });
    service = spawn(process.execPath, [SERVICE, bundle, '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TIMEOUT_MS: '600000' },
    });
    const [said] = await once(service.stdout as NodeJS.ReadableStream, 'data');
    origin = `http://localhost:${/\d+/.exec(String(said))?.[0]}`;
  });
  after(() => service.kill('SIGKILL'));

  const embed = async (body: Uint8Array) => {
    const request = { ...ALONE, method: 'POST', body: new Uint8Array(body) };
    const response = await fetch(`${origin}/embed`, request);
    return { status: response.status, body: await response.json() };
  };
  /** Uploads a body without a stated length or an end, until the service answers. */
  const statusOfEndless = async () => {
    // The connection is kept. To close it, the service would reset it while the client still writes.
    const agent = new Agent({ keepAlive: true });
    const upload = request(`${origin}/embed`, { method: 'POST', agent });
    const chunk = Buffer.alloc(1_000_000);
    upload.on('drain', () => upload.write(chunk));
    upload.write(chunk);
    const [response] = await once(upload, 'response');
    upload.destroy();
    return response.statusCode;
  };
  const metrics = async () => {
    const text = await (await fetch(`${origin}/metrics`, ALONE)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => line.split(' ') as [string, string]));
  };

  test('embeds the images that it receives', async () => {
    await using model = await LLM2CLIP.load(bundle);
    const answers = await Promise.all(images.map((path) => embed(readFileSync(path))));
    for (const [i, { status, body }] of answers.entries()) {
      assert.equal(status, 200);
      const expected = await model.encodeImage(images[i] as string);
      const found = body as { embedding: number[] };
      assert.equal(found.embedding.length, expected.length);
      for (const [j, x] of found.embedding.entries()) {
        assert.ok(Math.abs(x - (expected[j] as number)) < 1e-5);
      }
    }
  });

  test('refuses files that are no images', async () => {
    const { status, body } = await embed(Buffer.from('no image'));
    assert.equal(status, 422);
    assert.equal((body as { error: { code: string } }).error.code, 'ERR_IMAGE_UNSUPPORTED');
    assert.equal((await fetch(`${origin}/elsewhere`, ALONE)).status, 404);
  });

  test('refuses a body that is too large, and a small file with too many pixels', async () => {
    const bounds = [Buffer.alloc(10_000_001), Buffer.alloc(40_000_000)];
    for (const body of bounds) {
      const answer = await embed(body);
      assert.equal(answer.status, 413);
      assert.equal((answer.body as { error: { code: string } }).error.code, 'ERR_BODY_TOO_LARGE');
    }
    assert.equal(await statusOfEndless(), 413);

    const bomb = readFileSync(image('bomb.png'));
    const answers = await Promise.all(Array.from({ length: 16 }, () => embed(bomb)));
    for (const { status, body } of answers) {
      assert.equal(status, 413);
      assert.equal((body as { error: { code: string } }).error.code, 'ERR_IMAGE_TOO_LARGE');
    }
    const file = `/proc/${service.pid}/status`;
    const peak = Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1]) / 1024;
    assert.ok(peak < 1024, `held ${peak} MiB at most`);
    assert.equal((await embed(readFileSync(images[0] as string))).status, 200);
  });

  test('limits the number of concurrent requests', async () => {
    // One upload more than the service accepts. Each keeps its place, so once one is refused, no
    // place is left.
    const uploads = Array.from({ length: 33 }, () => {
      const upload = request(`${origin}/embed`, { method: 'POST' });
      upload.on('error', () => {});
      upload.write('the beginning of an image');
      return upload;
    });
    const [refused] = await Promise.race(uploads.map((upload) => once(upload, 'response')));
    assert.equal(refused.statusCode, 503);
    const image = readFileSync(images[0] as string);
    assert.equal((await embed(image)).status, 503);
    for (const upload of uploads) upload.destroy();
    await until(async () => (await embed(image)).status === 200, 'a free place');
  });

  test('exports its counts and times to Prometheus', async () => {
    const before = await metrics();
    for (const path of images.slice(0, 3)) await embed(readFileSync(path));
    const now = await metrics();
    const grown = (name: string) => Number(now.get(name)) - Number(before.get(name) ?? 0);
    assert.equal(grown('llm2clip_requests_total{outcome="completed"}'), 3);
    assert.equal(grown('llm2clip_requests_total{outcome="refused"}'), 0);
    assert.equal(grown('llm2clip_batches_total{size="1"}'), 3);
    assert.equal(now.get('llm2clip_queue_depth'), '0');
    assert.ok(grown('llm2clip_engine_busy_seconds_total') > 0);
    assert.ok(Number(now.get('llm2clip_stage_seconds{stage="decode",quantile="0.99"}')) > 0);
    const bytes = images.slice(0, 3).reduce((sum, path) => sum + readFileSync(path).length, 0);
    assert.equal(grown('llm2clip_copied_bytes_total{direction="input"}'), bytes);
  });

  test('clients may disconnect, and SIGTERM ends the service cleanly', async () => {
    const body = readFileSync(images[0] as string);
    const hangingUp = Array.from({ length: 50 }, (_, i) => {
      // Without an agent there are no idle connections, which the service would wait for at its
      // end.
      const asked = request(`${origin}/embed`, { method: 'POST', agent: false });
      asked.on('error', () => {});
      asked.end(body);
      setTimeout(() => asked.destroy(), 1 + (i % 10));
      return new Promise((resolve) => asked.on('close', resolve));
    });
    await Promise.all(hangingUp);
    await until(async () => (await embed(body)).status === 200, 'a free place');
    service.kill('SIGTERM');
    assert.deepEqual(await once(service, 'exit'), [0, null]);
  });
});

describe('lancedb.mjs', () => {
  const folder = temporaryFolder();
  const images = join(folder, 'images');
  const sources = digits('gallery').slice(0, 30);
  let bundle: string;
  before(async () => {
    bundle = await wholeBundle(folder);
    mkdirSync(join(images, 'below'), { recursive: true });
    for (const [i, source] of sources.entries()) {
      copyFileSync(source, join(images, i % 2 === 0 ? 'below' : '.', basename(source)));
    }
    writeFileSync(join(images, 'bad.png'), 'no image');
  });

  const run = (command: string, what: string) => {
    const words = [LANCEDB, command, bundle, join(folder, 'database'), what];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return { stdout, stderr };
  };
  const results = (stdout: string) =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t') as [string, string]);

  test('stores a folder, stores it again with the same result, and reports files that are no images', () => {
    for (let round = 0; round < 2; round++) {
      const { stdout, stderr } = run('index', images);
      assert.equal(stdout, '30 images\n');
      assert.match(stderr, /bad\.png: /);
    }
  });

  test('finds the images with the best cosines, by text and by image', async () => {
    await using model = await LLM2CLIP.load(bundle);
    const paths = sources.map((source, i) =>
      join(images, i % 2 === 0 ? 'below' : '.', basename(source)),
    );
    const { row } = await model.encodeImages(paths);
    const [text, image] = ['a photo of the red car', paths[3] as string];
    const queries = [
      [text, await model.encodeText(text)],
      [image, await model.encodeImage(image)],
    ] as const;
    for (const [query, vector] of queries) {
      const exact = paths.map((_, i) => cosine(vector, row(i))).sort((a, b) => b - a);
      const found = results(run('search', query).stdout);
      assert.equal(found.length, 10);
      for (const [place, [score, path]] of found.entries()) {
        assert.ok(Math.abs(Number(score) - (exact[place] as number)) < 2e-4);
        const own = cosine(vector, row(paths.indexOf(path)));
        assert.ok(Math.abs(Number(score) - own) < 2e-4);
      }
    }
  });
});
