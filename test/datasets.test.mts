// Tests small datasets in their published formats, and evaluations with given vectors.
import assert from 'node:assert/strict';
import { mkdir, readdir, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { recall } from 'llm2clip';
import { readClassnames } from '#lib/cli/label-file';
import { evaluateZeroShot } from '#lib/eval/accuracy';
import { readClassFolders } from '#lib/eval/class-folders';
import { jsonElements } from '#lib/eval/json-elements';
import { evaluateRetrieval } from '#lib/eval/retrieval';
import { readRetrievalDataset } from '#lib/eval/retrieval-dataset';
import { fileSystemPath } from '#lib/files/path-bytes';
import { textPieces } from '#lib/files/read-text';
import { FakeEncoder } from './support/fake-encoder.mts';
import { temporaryFolder } from './support/temporary.mts';

const root = temporaryFolder();
const code = (expected: string) => (error: { code?: string }) => error.code === expected;

/** Writes files into a folder of their own. */
async function folderOf(name: string, files: Record<string, unknown>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, name, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return join(root, name);
}

const sentences = (...raw: string[]) => raw.map((text) => ({ raw: text, tokens: text.split(' ') }));

describe('retrieval datasets', () => {
  test('Karpathy: the requested split, with the folders of COCO', async () => {
    const folder = await folderOf('karpathy', {
      'dataset_coco.json': {
        dataset: 'coco',
        images: [
          { filename: '1.jpg', filepath: 'val2014', split: 'test', sentences: sentences('a', 'b') },
          { filename: '2.jpg', filepath: 'train2014', split: 'train', sentences: sentences('c') },
          { filename: '3.jpg', split: 'test', sentences: sentences('d', 'e', 'f') },
        ],
      },
      'val2014/1.jpg': '',
      'images/3.jpg': '',
    });
    const annotations = join(folder, 'dataset_coco.json');
    assert.deepEqual(await readRetrievalDataset(folder), {
      annotations,
      images: [join(folder, 'val2014/1.jpg'), join(folder, 'images/3.jpg')],
      texts: ['a', 'b', 'd', 'e', 'f'],
      imageOfText: [0, 0, 1, 1, 1],
    });
    const train = await readRetrievalDataset(folder, { split: 'train' });
    assert.deepEqual(train.images, [join(folder, 'train2014/2.jpg')]);
    const none = readRetrievalDataset(folder, { split: 'restval' });
    await assert.rejects(none, /expected images of split restval in .*, found none/);
  });

  test('captions: an array or lines, with one or several per line; a repeated image counts once', async () => {
    const folder = await folderOf('captions', {
      'captions.json': [
        { image: 'x/1.jpg', caption: ['a', 'b'] },
        { image: 'x/2.jpg', captions: 'c' },
      ],
      'lines.jsonl':
        '{"image": "1.jpg", "caption": "a"}\n\n{"image": "2.jpg", "caption": "b"}\r\n{"image": "1.jpg", "caption": "c"}\n',
      'photos/x/1.jpg': '',
      'photos/2.jpg': '',
    });
    const images = join(folder, 'photos');
    const found = await readRetrievalDataset(folder, { images });
    assert.deepEqual(found.images, [join(images, 'x/1.jpg'), join(images, '2.jpg')]);
    assert.deepEqual(
      [found.texts, found.imageOfText],
      [
        ['a', 'b', 'c'],
        [0, 0, 1],
      ],
    );
    const annotations = join(folder, 'lines.jsonl');
    const lines = await readRetrievalDataset(folder, { annotations });
    assert.deepEqual(
      [lines.texts, lines.imageOfText],
      [
        ['a', 'b', 'c'],
        [0, 1, 0],
      ],
    );
    assert.deepEqual(lines.images, [join(folder, '1.jpg'), join(folder, '2.jpg')]);
    const one = await readRetrievalDataset(folder, { annotations, limit: 1 });
    assert.deepEqual(one.texts, ['a']);
  });

  test('ShareGPT4V: the answers of the first 1000 entries; nothing after them is read', async () => {
    const entry = (i: number) => ({
      id: String(i),
      image: `coco/${i}.jpg`,
      conversations: [
        { from: 'human', value: 'What is [this], {in} the "image"?\\' },
        { from: 'gpt', value: `a photo ${i} – of “things” ]},{[` },
      ],
    });
    const name = 'share-captioner_coco_lcs_sam_1246k_1107.json';
    const entries = Array.from({ length: 1200 }, (_, i) => JSON.stringify(entry(i), null, 1));
    const folder = await folderOf('sharegpt4v', { [name]: `[${entries.join(' ,\n')} , broken` });
    const { texts, images } = await readRetrievalDataset(folder);
    assert.equal(texts.length, 1000);
    assert.deepEqual(texts.at(-1), entry(999).conversations[1]?.value);
    assert.equal(images.at(-1), join(folder, 'coco/999.jpg'));
    assert.equal((await readRetrievalDataset(folder, { limit: 1100 })).texts.length, 1100);
    await assert.rejects(readRetrievalDataset(folder, { limit: 2000 }), code('ERR_INVALID_ARG'));
  });

  test('Urban1k: the first line of each text, in the order of numbers', async () => {
    const folder = await folderOf('urban', {
      'caption/10.txt': 'ten\nmore',
      'caption/2.txt': 'two',
      'image/10.jpg': '',
      'image/2.png': '',
    });
    const { texts, images } = await readRetrievalDataset(folder);
    assert.deepEqual(texts, ['two', 'ten']);
    assert.deepEqual(images, [join(folder, 'image/2.png'), join(folder, 'image/10.jpg')]);
  });

  test('DOCCI: its test split, beside a file that does not belong to it', async () => {
    const line = (id: string, split: string) =>
      JSON.stringify({ example_id: id, split, image_file: `${id}.jpg`, description: `of ${id}` });
    const folder = await folderOf('docci', {
      'docci_descriptions.jsonlines': [line('a', 'train'), line('b', 'test')].join('\n'),
      'docci_metadata.jsonlines': '{}',
      'images/b.jpg': '',
    });
    const { texts, images } = await readRetrievalDataset(folder);
    assert.deepEqual([texts, images], [['of b'], [join(folder, 'images/b.jpg')]]);
  });

  test('one image may have any number of captions', async () => {
    const caption = Array.from({ length: 200_000 }, (_, i) => `${i}`);
    const folder = await folderOf('many', { 'captions.json': [{ image: '1.jpg', caption }] });
    const { texts, imageOfText } = await readRetrievalDataset(folder);
    assert.deepEqual([texts.length, texts.at(-1)], [200_000, '199999']);
    assert.equal(imageOfText.length, 200_000);
  });

  test('a byte order mark before annotations or names is ignored', async () => {
    const line = JSON.stringify({ image: '1.jpg', caption: 'a' });
    for (const [i, [name, content]] of [
      ['a.json', `[${line}]`],
      ['b.json', `{"images": [${line}]}`],
      ['c.jsonl', `${line}\n${line}`],
    ].entries()) {
      const folder = await folderOf(`marked-${i}`, { [name as string]: `\ufeff${content}` });
      assert.equal((await readRetrievalDataset(folder)).texts[0], 'a');
    }
    const named = await folderOf('marked', { 'names.json': '\ufeff{"n01": "cat"}' });
    assert.deepEqual(await readClassnames(join(named, 'names.json')), { n01: 'cat' });
  });

  test('no file is left open, wherever reading stops', async () => {
    for (const [name, content] of [
      ['whole.json', [{ image: '1.jpg', caption: 'a' }]],
      ['cut.json', '[{"image": "1.jpg", "caption": "a"}'],
      ['other.json', { images: [] }],
    ] as const) {
      const folder = await folderOf('open', { [name]: content });
      const annotations = join(folder, name);
      await readRetrievalDataset(folder, { annotations }).catch(() => {});
      const open = await Promise.all(
        (await readdir('/proc/self/fd')).map((fd) =>
          readlink(`/proc/self/fd/${fd}`).catch(() => ''),
        ),
      );
      assert.ok(!open.includes(annotations), name);
    }
  });

  test('a folder that is no dataset is refused with the reason', async () => {
    const empty = await folderOf('empty', { 'note.txt': '' });
    await assert.rejects(readRetrievalDataset(empty), /one file of annotations in .*found none/);
    const two = await folderOf('two', { 'a.json': [], 'b.json': [] });
    await assert.rejects(readRetrievalDataset(two), /found a\.json, b\.json; .*--annotations/);
    await assert.rejects(readRetrievalDataset(join(root, 'nowhere')), code('ERR_NOT_FOUND'));
    for (const name of ['none.json', 'none.jsonl']) {
      const nowhere = readRetrievalDataset(empty, { annotations: join(empty, name) });
      await assert.rejects(nowhere, /expected a file at .*none\.json.*, found nothing there/);
    }
    const refused: [string, unknown, RegExp][] = [
      ['other.json', { a: 1 }, /an array, or an object with images/],
      ['other.json', [{ image: '1.jpg' }], /image and caption.* for entry 1 of .*other\.json/],
      ['other.json', [7], /entry 1 of/],
      ['other.json', '[{"image": }]', /JSON for entry 1 of/],
      ['other.json', '[{"image": "1.jpg", "caption": "a"}', /the end of an array/],
      ['other.json', '{"images": [', /JSON/],
      ['other.jsonl', '{"image": "1.jpg", "caption": "a"}\nx\n', /JSON for entry 2 of/],
    ];
    for (const [i, [name, content, pattern]] of refused.entries()) {
      const folder = await folderOf(`refused-${i}`, { [name]: content });
      await assert.rejects(readRetrievalDataset(folder), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_INVALID_ARG');
        assert.match(error.message, pattern);
        return true;
      });
    }
  });

  describe('paths and links out of the folder are refused, and no content is shown', () => {
    const secret = 'secret-bytes-of-another-file';
    const cases: [string, (folder: string) => Promise<void> | void, string?][] = [
      ['../outside/secret.jpg', () => {}],
      ['images/../../outside/secret.jpg', () => {}],
      ['/proc/self/environ', () => {}],
      ['..', () => {}],
      ['link.jpg', (folder) => symlink('../outside/secret.jpg', join(folder, 'link.jpg'))],
      [
        'link.jpg',
        (folder) => symlink(join(root, 'outside'), join(folder, 'images')),
        'secret.jpg',
      ],
      [
        'twice.jpg',
        async (folder) => {
          await symlink('../outside/secret.jpg', join(folder, 'once.jpg'));
          await symlink('once.jpg', join(folder, 'twice.jpg'));
        },
      ],
    ];
    for (const [i, [image, prepare, other]] of cases.entries()) {
      test(`an image (${i}: ${image})`, async () => {
        await folderOf('outside', { 'secret.jpg': secret });
        const entries = [{ image: other ?? image, caption: 'a' }];
        const folder = await folderOf(`leading-${i}`, { 'captions.json': entries });
        await prepare(folder);
        await assert.rejects(readRetrievalDataset(folder), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ERR_INVALID_ARG');
          assert.match(
            error.message,
            /expected the image of an annotation inside .*outside; .*--images/,
          );
          assert.doesNotMatch(error.message, /secret-bytes/);
          return true;
        });
      });
    }

    test('annotations and captions', async () => {
      await folderOf('outside', { 'secret.json': secret, 'secret.txt': secret });
      const linked = await folderOf('linked', { 'readme.md': '' });
      await symlink('../outside/secret.json', join(linked, 'captions.json'));
      const urban = await folderOf('urban-linked', { 'image/1.jpg': '', 'caption/2.txt': 'two' });
      await symlink('../../outside/secret.txt', join(urban, 'caption/1.txt'));
      const whole = await folderOf('urban-whole', { 'image/1.jpg': '' });
      await symlink('../outside', join(whole, 'caption'));
      for (const folder of [linked, urban, whole]) {
        await assert.rejects(readRetrievalDataset(folder), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ERR_INVALID_ARG');
          assert.match(error.message, /expected .* inside .*, a link that leads outside/);
          assert.doesNotMatch(error.message, /secret-bytes/);
          return true;
        });
      }
    });

    test('with names that are not UTF-8, and with links to links', async (t) => {
      await folderOf('outside', { 'secret.txt': secret });
      const [byName, byCaption] = [join(root, 'by-name'), join(root, 'by-caption')];
      const odd = (folder: string, name: string) => fileSystemPath(join(folder, name));
      await folderOf('by-name', {
        'captions.json': '[{"image": "p\\udcff.jpg", "caption": "a"}]',
      });
      await folderOf('by-caption', { 'image/a.jpg': '', 'caption/a.txt': 'a' });
      try {
        await symlink('../outside/secret.txt', odd(byName, 'p\udcff.jpg'));
      } catch {
        return t.skip('this file system takes names of UTF-8 alone');
      }
      await symlink('../../outside/secret.txt', odd(byCaption, 'caption/1\udcff.txt'));
      await writeFile(odd(byCaption, 'image/1\udcff.jpg'), '');
      // The link looks like one to a blob of the hub's cache, but the blob links to a file outside.
      const entries = JSON.stringify([{ image: '1.jpg', caption: 'a' }]);
      const chained = await folderOf('chained/snapshot', { 'captions.json': entries });
      await folderOf('chained/blobs', { note: '' });
      await symlink(`../blobs/${'c'.repeat(64)}`, join(chained, '1.jpg'));
      await symlink('../../outside/secret.txt', join(root, 'chained/blobs', 'c'.repeat(64)));
      for (const folder of [byName, byCaption, chained]) {
        await assert.rejects(readRetrievalDataset(folder), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ERR_INVALID_ARG', error.message);
          assert.match(error.message, /a link that leads outside/);
          return true;
        });
      }
    });

    test("but the dataset's folder may have any name", async (t) => {
      const plain = await folderOf('plain', {
        'captions.json': [{ image: '1.jpg', caption: 'a' }],
        '1.jpg': '',
      });
      const named = join(root, 'f\udcff');
      try {
        await rename(plain, fileSystemPath(named));
      } catch {
        return t.skip('this file system takes names of UTF-8 alone');
      }
      assert.deepEqual((await readRetrievalDataset(named)).images, [join(named, '1.jpg')]);
    });

    test('but a snapshot of the hub is read, whose files are links to its blobs', async () => {
      const snapshot = await folderOf('hub/snapshots/0123', { 'data/readme.md': '' });
      const entries = JSON.stringify([{ image: '1.jpg', caption: 'a' }]);
      const [list, image] = ['a'.repeat(40), 'b'.repeat(64)];
      await folderOf('hub/blobs', { [list]: entries, [image]: 'image' });
      await symlink(`../../blobs/${list}`, join(snapshot, 'captions.json'));
      await symlink(`../../../blobs/${image}`, join(snapshot, 'data/1.jpg'));
      const dataset = await readRetrievalDataset(snapshot, { images: join(snapshot, 'data') });
      assert.deepEqual(dataset.texts, ['a']);
      assert.match(dataset.images[0] as string, /data\/1\.jpg$/);
      // A folder that links to a snapshot outside does not make the files in it allowed.
      const led = await folderOf('led', { 'captions.json': entries });
      await symlink('../hub/snapshots/0123/data', join(led, 'images'));
      await assert.rejects(readRetrievalDataset(led), code('ERR_INVALID_ARG'));
    });

    test('but files inside are found by any path', async () => {
      const folder = await folderOf('inside', {
        'images/1.jpg': '',
        'captions.json': [
          { image: '/home/author/coco/1.jpg', caption: 'a' },
          { image: '../images/1.jpg', caption: 'b' },
          { image: join(root, 'inside/images/1.jpg'), caption: 'c' },
          { image: 'link/1.jpg', caption: 'd' },
        ],
      });
      await symlink('images', join(folder, 'link'));
      await symlink(folder, join(root, 'way-in'));
      const { images } = await readRetrievalDataset(folder);
      const found = join(folder, 'images/1.jpg');
      assert.deepEqual(images, [found, found, found, join(folder, 'link/1.jpg')]);
      const byLink = await readRetrievalDataset(join(root, 'way-in'));
      assert.equal(byLink.images[1], join(root, 'way-in/images/1.jpg'));
    });
  });

  test('elements of an array, wherever the file is cut into pieces', async () => {
    // The text is longer than one piece, so that strings, escapes and characters cross the
    // boundary.
    const values = Array.from({ length: 3000 }, (_, i) => [
      { text: `${'é"\\'.repeat(i % 300)}]`, n: i },
      i,
      null,
      `,${i}`,
    ]);
    const folder = await folderOf('elements', {
      'a.json': ` \n${JSON.stringify(values, null, 1)} `,
    });
    const found: unknown[] = [];
    for await (const text of jsonElements(textPieces(join(folder, 'a.json'))))
      found.push(JSON.parse(text));
    assert.deepEqual(found, values);
    const none = await folderOf('none', { 'a.json': '[ ]' });
    for await (const text of jsonElements(textPieces(join(none, 'a.json')))) assert.fail(text);
  });
});

describe('evaluation', () => {
  test('recall is computed from the embeddings; an image that fails is a miss and is reported', async () => {
    const images: [string, number[]][] = [
      ['1.jpg', [1, 0]],
      ['2.jpg', [0, 1]],
      ['3.jpg', [0.6, 0.8]],
    ];
    const captions: [string, number[]][] = [
      ['a', [0.8, 0.6]],
      ['b', [0, 1]],
      ['c', [0.6, 0.8]],
    ];
    const dataset = {
      annotations: '',
      images: ['1.jpg', 'missing.jpg', '2.jpg', '3.jpg'],
      texts: ['a', 'b', 'c'],
      imageOfText: [0, 1, 3],
    };
    const encoder = new FakeEncoder({ dim: 2, texts: new Map(captions), images: new Map(images) });
    const failures: string[] = [];
    const progress: [number, number][] = [];
    const found = await evaluateRetrieval(encoder as never, dataset, {
      at: [1, 2],
      onFailure: (path) => failures.push(path),
      onProgress: (...counts) => progress.push(counts),
    });
    const [nan, imageOfText] = [Number.NaN, dataset.imageOfText];
    const expected = recall(
      { data: Float32Array.of(1, 0, nan, nan, 0, 1, 0.6, 0.8), shape: [4, 2] },
      { data: Float32Array.of(0.8, 0.6, 0, 1, 0.6, 0.8), shape: [3, 2] },
      { imageOfText, at: [1, 2] },
    );
    assert.deepEqual(found, { images: 4, texts: 3, failed: 1, ...expected });
    assert.deepEqual(failures, ['missing.jpg']);
    assert.deepEqual(progress.at(-1), [7, 7]);
  });

  test('accuracy by class folders, whose names are the labels', async () => {
    const folder = await folderOf('classes', {
      'red_car/1.jpg': '',
      'red_car/below/2.png': '',
      'cat/1.jpg': '',
      'cat/note.txt': '',
      '.cache/1.jpg': '',
      'readme.md': '',
    });
    const dataset = await readClassFolders(folder);
    const image = (name: string) => join(folder, name);
    assert.deepEqual(dataset.labels, ['cat', 'red car']);
    assert.deepEqual(
      dataset.images,
      ['cat/1.jpg', 'red_car/1.jpg', 'red_car/below/2.png'].map(image),
    );
    assert.deepEqual(dataset.classOfImage, [0, 1, 1]);
    const encoder = new FakeEncoder({
      dim: 2,
      texts: new Map([
        ['a cat', [1, 0]],
        ['a red car', [0, 1]],
      ]),
      images: new Map([
        [image('cat/1.jpg'), [0.8, 0.6]],
        [image('red_car/1.jpg'), [0.8, 0.6]],
      ]),
    });
    const failures: string[] = [];
    const onFailure = (path: string) => failures.push(path);
    const found = await evaluateZeroShot(encoder as never, dataset, ['a {}'], { onFailure });
    const counts = { images: 3, classes: 2, templates: 1, failed: 1 };
    assert.deepEqual(found, { ...counts, top1: 1 / 3, top5: 2 / 3 });
    assert.deepEqual(failures, [image('red_car/below/2.png')]);
  });

  test('classes have the given names, in order or by folder', async () => {
    const folder = await folderOf('wnids', { 'n01/1.jpg': '', 'n02/1.jpg': '' });
    const labels = async (names: readonly string[] | Record<string, unknown>) =>
      (await readClassFolders(folder, names)).labels;
    assert.deepEqual(await labels(['tench', 'goldfish']), ['tench', 'goldfish']);
    assert.deepEqual(await labels({ n02: 'goldfish', n01: 'tench', n03: 'shark' }), [
      'tench',
      'goldfish',
    ]);
    await assert.rejects(labels(['tench']), /expected 2 names, one per folder/);
    await assert.rejects(labels({ n01: 'tench' }), /a name for the folder n02/);
    await assert.rejects(readClassFolders(join(folder, 'n01')), code('ERR_NOT_FOUND'));
    await assert.rejects(readClassFolders(join(folder, 'n03')), code('ERR_NOT_FOUND'));
  });
});
