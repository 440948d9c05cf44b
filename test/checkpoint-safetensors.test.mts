import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCheckpoint } from '#lib/checkpoint/read';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { safetensorsHeader, writeSafetensors } from './support/safetensors-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { tensorValues } from './support/tensor-values.mts';

const FIXTURES = join(import.meta.dirname, 'fixtures/checkpoints');
const folder = temporaryFolder();
let files = 0;

/** Writes a file with this header and `dataBytes` bytes of data. */
function write(header: string | Buffer, dataBytes = 0): string {
  const path = join(folder, `${files++}.safetensors`);
  const bytes = typeof header === 'string' ? safetensorsHeader(header) : header;
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(dataBytes)]));
  return path;
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

function length(claimed: bigint): Buffer {
  const bytes = Buffer.alloc(64, ' ');
  bytes.writeBigUInt64LE(claimed);
  return bytes;
}

describe('safetensors that load', () => {
  it('reads what the safetensors library wrote', async () => {
    const expected = JSON.parse(readFileSync(join(FIXTURES, 'odd.json'), 'utf8'));
    const { format, tensors } = await readCheckpoint(join(FIXTURES, 'odd.safetensors'));
    assert.equal(format, 'safetensors');
    assert.deepEqual(tensors.map(({ name }) => name).sort(), Object.keys(expected).sort());
    for (const entry of tensors) {
      assert.deepEqual(entry.shape, expected[entry.name].shape, entry.name);
      assert.deepEqual(tensorValues(entry), expected[entry.name].values, entry.name);
    }
  });

  it('accepts empty tensors, scalars and names that are properties of objects', async () => {
    const path = join(folder, 'odd-names.safetensors');
    const byte = new Uint8Array(1);
    writeSafetensors(path, [
      { name: '__proto__', dtype: 'u8', shape: [], data: byte },
      { name: 'constructor', dtype: 'u8', shape: [1], data: byte },
      { name: 'empty', dtype: 'f32', shape: [3, 0], data: [] },
    ]);
    const { tensors } = await readCheckpoint(path);
    assert.deepEqual(tensors.map(({ name }) => name).sort(), ['__proto__', 'constructor', 'empty']);
  });

  it("recognises the format by content, not by the file's name", async () => {
    const path = join(folder, 'misnamed.pt');
    copyFileSync(join(FIXTURES, 'odd.safetensors'), path);
    assert.equal((await readCheckpoint(path)).format, 'safetensors');
  });
});

describe('safetensors that are refused with ERR_CHECKPOINT_FORMAT', () => {
  const cases: [string, () => string, RegExp][] = [
    ['shorter than 8 bytes', () => write(Buffer.from('short')), /at least 8 bytes, found 5/],
    ['empty file', () => write(Buffer.alloc(0)), /at least 8 bytes, found 0/],
    ['header longer than the file', () => write(length(1000n)), /claims 1000 bytes/],
    ['header longer than 100 MB', () => write(length(100_000_001n)), /more than 100000000/],
    ['length of 2⁶⁴−1', () => write(length(2n ** 64n - 1n)), /18446744073709551615/],
    ['no JSON', () => write('what'), /expected a value/],
    ['not an object', () => write('[1]'), /not a JSON object/],
    ['truncated data', () => write(JSON.stringify({ w: f32([2], 0, 8) }), 5), /"w".*truncated/],
    ['trailing data', () => write(JSON.stringify({ w: f32([2], 0, 8) }), 9), /1 trailing bytes/],
    [
      'overlap',
      () => write(JSON.stringify({ v: f32([2], 0, 8), w: f32([2], 4, 12) }), 12),
      /"w" overlaps tensor "v"/,
    ],
    [
      'hole',
      () => write(JSON.stringify({ v: f32([1], 0, 4), w: f32([1], 8, 12) }), 12),
      /4 unused bytes between tensor "v" and tensor "w"/,
    ],
    ['hole before the first', () => write(JSON.stringify({ w: f32([1], 4, 8) }), 8), /4 unused/],
    ['shape and offsets differ', () => write(JSON.stringify({ w: f32([3], 0, 8) }), 8), /"w".*12/],
    [
      'product of sizes beyond 64 bits',
      () => write(JSON.stringify({ w: f32([2 ** 40, 2 ** 40], 0, 8) }), 8),
      /"w".*too large to count/,
    ],
    [
      'product beyond 64 bits that a zero would hide',
      () => write(JSON.stringify({ w: f32([2 ** 40, 2 ** 40, 0], 0, 0) })),
      /"w".*too large to count/,
    ],
    [
      'sizes beyond 64 bits',
      () => write('{"w":{"dtype":"F32","shape":[36893488147419103233],"data_offsets":[0,4]}}', 4),
      /"w".*shape/,
    ],
    ['negative size', () => write(JSON.stringify({ w: f32([-1], 0, 4) }), 4), /"w".*shape/],
    ['fractional size', () => write(JSON.stringify({ w: f32([0.5], 0, 2) }), 2), /"w".*shape/],
    [
      'offsets backwards',
      () => write(JSON.stringify({ w: f32([1], 4, 0) }), 4),
      /"w".*data_offsets/,
    ],
    [
      'too many dimensions',
      () => write(JSON.stringify({ w: f32(Array(99).fill(1), 0, 4) }), 4),
      /"w"/,
    ],
    ['no dtype', () => write('{"w":{"shape":[],"data_offsets":[0,4]}}', 4), /"w" has no dtype/],
    ['entry that is no object', () => write('{"w":3}'), /"w" is not described/],
    ['metadata that is no strings', () => write('{"__metadata__":{"a":1}}'), /__metadata__/],
    ['duplicate keys', () => write('{"w":1,"w":2}'), /duplicate key "w"/],
    ['duplicate keys, one escaped', () => write('{"w":1,"\\u0077":2}'), /duplicate key "w"/],
    [
      'duplicate keys inside a tensor',
      () => write('{"w":{"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]}}', 4),
      /duplicate key "dtype"/,
    ],
    [
      'bad UTF-8',
      () => write(safetensorsHeader('{"w\xff":1}').fill(0xff, 11, 12)),
      /not valid UTF-8/,
    ],
    ['lone surrogate', () => write('{"\\ud800":1}'), /lone surrogate/],
    ['control character in a name', () => write('{"a\nb":1}'), /control character/],
    ['unterminated string', () => write('{"w'), /unterminated/],
    ['trailing comma', () => write('{"a":1,}'), /expected a string/],
    ['text after the header', () => write('{} {}'), /expected the end/],
    ['byte order mark', () => write('\ufeff{}'), /expected a value/],
    [
      'Git LFS pointer',
      () => write(Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n')),
      /git lfs pull/,
    ],
  ];
  for (const [what, make, pattern] of cases) {
    it(what, () => rejectsWith(readCheckpoint(make()), 'ERR_CHECKPOINT_FORMAT', pattern));
  }
});

describe('safetensors that would be slow', () => {
  /** Guards against hanging. Each file is refused within a second or two. */
  const timeout = 600_000;
  const many = Array.from(
    { length: 1e5 },
    (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`,
  );
  const cases: [string, string, RegExp][] = [
    ['10⁵ entries', `{${many.join()}}`, /more than 20001 entries/],
    ['objects 10⁴ deep', '{"a":'.repeat(1e4) + '}'.repeat(1e4), /deeper than 64/],
    ['arrays 10⁶ deep', '['.repeat(1e6), /deeper than 64/],
    ['a million numbers', `{"w":[${'1,'.repeat(1e6)}1]}`, /more than \d+ values/],
    ['50 MB of white space', ' '.repeat(5e7), /expected a value/],
    ['50 MB of escapes', `"${'\\n'.repeat(2.5e7)}"`, /not a JSON object/],
  ];
  for (const [what, header, pattern] of cases) {
    it(what, { timeout }, () =>
      rejectsWith(readCheckpoint(write(header)), 'ERR_CHECKPOINT_FORMAT', pattern),
    );
  }
});

describe('element types', () => {
  /** All types that safetensors 0.8 knows, with the number of bytes of four elements. */
  const KNOWN: [number, string[]][] = [
    [2, ['F4']],
    [3, ['F6_E2M3', 'F6_E3M2']],
    [4, ['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ']],
    [8, ['U16', 'I16', 'F16', 'BF16']],
    [16, ['U32', 'I32', 'F32']],
    [32, ['U64', 'I64', 'F64', 'C64']],
  ];
  for (const [bytes, dtypes] of KNOWN) {
    it(`knows ${dtypes.join(', ')}`, async () => {
      for (const dtype of dtypes) {
        const path = write(JSON.stringify({ w: { ...f32([4], 0, bytes), dtype } }), bytes);
        const { tensors } = await readCheckpoint(path);
        assert.deepEqual(
          tensors.map((entry) => entry.dtype),
          [dtype.toLowerCase()],
        );
        await rejectsWith(
          readCheckpoint(write(JSON.stringify({ w: { ...f32([5], 0, bytes), dtype } }), bytes)),
          'ERR_CHECKPOINT_FORMAT',
          /"w" of shape \[5\] needs/,
        );
      }
    });
  }

  it('treats null metadata as no metadata', async () => {
    const path = write(JSON.stringify({ __metadata__: null, w: f32([1], 0, 4) }), 4);
    assert.equal((await readCheckpoint(path)).tensors.length, 1);
  });

  for (const dtype of ['F128', 'QINT8', 'sparse', 'f32', '']) {
    it(`refuses ${dtype || 'an empty one'}, naming it and the tensor`, () =>
      rejectsWith(
        readCheckpoint(write(JSON.stringify({ w: { ...f32([1], 0, 4), dtype } }), 4)),
        'ERR_CHECKPOINT_UNSUPPORTED',
        new RegExp(`"w".*"${dtype}"`),
      ));
  }
});

describe('sharded safetensors', () => {
  const four = new Uint8Array(4);
  const tensor = (name: string) => ({ name, dtype: 'f32' as const, shape: [1], data: four });

  /** Makes a folder with the shards one.safetensors {a, b} and two.safetensors {c}. */
  function sharded(weightMap: unknown): string {
    const path = join(folder, `sharded-${files++}`);
    mkdirSync(path);
    writeSafetensors(join(path, 'one.safetensors'), [tensor('a'), tensor('b')]);
    writeSafetensors(join(path, 'two.safetensors'), [tensor('c')]);
    const index = JSON.stringify({ metadata: { total_size: 12 }, weight_map: weightMap });
    writeFileSync(join(path, 'model.safetensors.index.json'), index);
    return path;
  }

  const map = { a: 'one.safetensors', b: 'one.safetensors', c: 'two.safetensors' };

  it('joins the shards of an index, given or found in a folder', async () => {
    const path = sharded(map);
    const { tensors, format } = await readCheckpoint(path);
    assert.equal(format, 'safetensors');
    assert.deepEqual(
      tensors.map(({ name, file }) => [name, file]),
      ['a', 'b', 'c'].map((name) => [name, join(path, map[name as 'a'])]),
    );
    const byIndex = await readCheckpoint(join(path, 'model.safetensors.index.json'));
    assert.deepEqual(byIndex.tensors, tensors);
  });

  const cases: [string, unknown, RegExp][] = [
    ['a path out of the folder', { ...map, c: '../two.safetensors' }, /"c".*same folder/],
    ['an absolute path', { ...map, c: '/etc/two.safetensors' }, /"c".*same folder/],
    ['a path into a folder', { ...map, c: 'sub/two.safetensors' }, /"c".*same folder/],
    ['a shard that is an object', { ...map, c: {} }, /"c".*same folder/],
    ['a shard that is no string', { ...map, c: 3 }, /"c".*same folder/],
    ['a tensor that is in another shard', { ...map, b: 'two.safetensors' }, /"b" is not in/],
    ['a tensor that is nowhere', { ...map, d: 'two.safetensors' }, /"d" is not in/],
    ['no weight map', undefined, /no "weight_map"/],
  ];
  for (const [what, weightMap, pattern] of cases) {
    it(`refuses ${what}`, () =>
      rejectsWith(readCheckpoint(sharded(weightMap)), 'ERR_CHECKPOINT_FORMAT', pattern));
  }

  it('refuses a tensor in two shards', async () => {
    const path = sharded({ ...map, d: 'three.safetensors' });
    writeSafetensors(join(path, 'three.safetensors'), [tensor('a'), tensor('d')]);
    await rejectsWith(readCheckpoint(path), 'ERR_CHECKPOINT_FORMAT', /"a" is in two shards/);
  });

  it('names a shard that is missing', () =>
    rejectsWith(
      readCheckpoint(sharded({ ...map, d: 'gone.safetensors' })),
      'ERR_NOT_FOUND',
      /"gone.safetensors"/,
    ));
});

/** Reason to skip the test, for node:test's `skip`. */
const AS_ROOT = process.getuid?.() === 0 && 'root may read every file';

describe('paths', () => {
  const fixture = join(FIXTURES, 'odd.safetensors');

  function folderWith(...names: string[]): string {
    const path = join(folder, `folder-${files++}`);
    mkdirSync(path);
    for (const name of names) {
      copyFileSync(
        name.endsWith('safetensors') ? fixture : join(FIXTURES, 'odd-2.pt'),
        join(path, name),
      );
    }
    return path;
  }

  const preferences: [string[], 'safetensors' | 'torch', string][] = [
    [['x.safetensors', 'a.pt', 'pytorch_model.bin'], 'safetensors', 'x.safetensors'],
    [['a.pt', 'pytorch_model.bin'], 'torch', 'a.pt'],
    [['pytorch_model.bin'], 'torch', 'pytorch_model.bin'],
  ];
  for (const [names, format, chosen] of preferences) {
    it(`takes ${chosen} from a folder of ${names.join(', ')}`, async () => {
      const path = folderWith(...names);
      const table = await readCheckpoint(path);
      assert.equal(table.format, format);
      assert.equal(table.path, path);
      assert.equal(table.tensors[0]?.file, join(path, chosen));
    });
  }

  it('asks the user to choose one of several', () =>
    rejectsWith(
      readCheckpoint(folderWith('x.safetensors', 'y.safetensors')),
      'ERR_CHECKPOINT_UNSUPPORTED',
      /2 files.*x\.safetensors, y\.safetensors.*name the one/,
    ));
  it('says what is missing in an empty folder', () =>
    rejectsWith(readCheckpoint(folderWith()), 'ERR_NOT_FOUND', /no checkpoint; expected/));
  it('says that a file is missing', () =>
    rejectsWith(
      readCheckpoint(join(folder, 'none.pt')),
      'ERR_NOT_FOUND',
      /none\.pt does not exist/,
    ));
  it('says that a link leads nowhere', () => {
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link.pt'));
    return rejectsWith(readCheckpoint(join(folder, 'link.pt')), 'ERR_NOT_FOUND', /does not exist/);
  });
  it('says that a file is unreadable', { skip: AS_ROOT }, () => {
    const path = write('{}');
    chmodSync(path, 0);
    return rejectsWith(readCheckpoint(path), 'ERR_IO', /cannot read/);
  });
  it('does not wait for a named pipe', () => {
    const path = join(folder, 'pipe.pt');
    execFileSync('mkfifo', [path]);
    return rejectsWith(readCheckpoint(path), 'ERR_IO', /not a regular file/);
  });

  it('reads the configurations beside the file, and prefers the one given by hand', async () => {
    const path = folderWith('model.safetensors');
    const config = (name: string, content: unknown) => {
      writeFileSync(join(path, name), JSON.stringify(content));
      return join(path, name);
    };
    config('open_clip_config.json', { embed_dim: 1 });
    config('preprocessor_config.json', { size: 2 });
    const read = async (options = {}) => {
      const { stated } = await readCheckpoint(join(path, 'model.safetensors'), options);
      return stated.map(({ name, about, content }) => [name, about, { ...content }]);
    };
    const openClip = ['open_clip_config.json', 'model', { embed_dim: 1 }];
    const processor = ['preprocessor_config.json', 'images', { size: 2 }];
    assert.deepEqual(await read(), [openClip, processor]);
    config('config.json', { projection_dim: 3 });
    config('processor_config.json', { processor_class: 'CLIPProcessor' });
    assert.deepEqual(await read(), [
      ['config.json', 'model', { projection_dim: 3 }],
      openClip,
      processor,
      ['processor_config.json', 'images', { processor_class: 'CLIPProcessor' }],
    ]);
    const byHand = config('mine.json', { embed_dim: 4 });
    const [given, ...rest] = await read({ config: byHand });
    assert.deepEqual(given, ['mine.json', 'model', { embed_dim: 4 }]);
    assert.deepEqual(rest[0], processor);
  });

  it('refuses a configuration that is missing, broken or no object', async () => {
    const path = folderWith('model.safetensors');
    const config = join(path, 'config.json');
    await rejectsWith(readCheckpoint(path, { config }), 'ERR_NOT_FOUND', /config\.json/);
    writeFileSync(config, '{');
    await rejectsWith(
      readCheckpoint(path),
      'ERR_CHECKPOINT_FORMAT',
      /config\.json is not valid JSON/,
    );
    writeFileSync(config, '[]');
    await rejectsWith(
      readCheckpoint(path),
      'ERR_CHECKPOINT_FORMAT',
      /config\.json is not a JSON object/,
    );
  });
});

it('does not block the event loop: another thread reads', async (t) => {
  const require = createRequire(import.meta.url);
  const here = t.mock.method(require('#lib/checkpoint/load'), 'loadCheckpoint');
  let workers = 0;
  const count = () => {
    workers += 1;
  };
  process.on('worker', count);
  t.after(() => process.off('worker', count));
  await readCheckpoint(write('{}'));
  assert.deepEqual([workers, here.mock.callCount()], [1, 0]);
});
