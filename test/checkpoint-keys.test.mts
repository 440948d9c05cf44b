// Tests which weights of a torch file with several state dicts are used, and the prefixes that
// training wrappers put into names.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { resolveModel } from '#lib/checkpoint/layouts/index';
import { readCheckpoint } from '#lib/checkpoint/read';
import { rejectsWith, throwsWith } from './support/checkpoint-errors.mts';
import { tableOf } from './support/checkpoint-table.mts';
import { stateDict, towerRows } from './support/layout-names.mts';
import { PickleWriter } from './support/pickle-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { writeArchive, writeTorch } from './support/torch-writer.mts';

const FIXTURES = join(import.meta.dirname, 'fixtures/checkpoints');
const folder = temporaryFolder();
let files = 0;

type Tree = { [key: string]: Tree | 'tensor' | 'number' };

/** Writes a torch file with these dictionaries. Each tensor is one number. */
function written(tree: Tree): string {
  const path = join(folder, `${files++}.pt`);
  const pickle = new PickleWriter();
  const write = (value: Tree | 'tensor' | 'number'): void => {
    if (value === 'number') pickle.int(1);
    else if (value === 'tensor') {
      pickle.tensor({ type: 'FloatStorage', key: '0', elements: 1, shape: [1], strides: [1] });
    } else {
      pickle.emptyDict().mark();
      for (const [key, inner] of Object.entries(value)) {
        pickle.string(key);
        write(inner);
      }
      pickle.setItems();
    }
  };
  write(tree);
  const record = { name: 'data/0', data: new Uint8Array(4), size: 4 };
  writeArchive(path, pickle.stop(), [record]);
  return path;
}

const weights = (name: string): Tree => ({ [name]: 'tensor' });

describe('keys of a torch file', () => {
  const cases: [string, Tree, string | undefined, string, string, string[]][] = [
    ['none', weights('w'), undefined, 'w', '', []],
    ...[
      'model',
      'module',
      'state_dict',
      'model_state_dict',
      'ema',
      'model_ema',
      'state_dict_ema',
    ].map((key): [string, Tree, undefined, string, string, string[]] => [
      `${key} beside an optimizer`,
      { epoch: 'number', optimizer: weights('o'), [key]: weights('w') },
      ...([undefined, 'w', key, []] as [undefined, string, string, string[]]),
    ]),
    [
      'keys in keys',
      { ema: { decay: 'number', module: weights('w') } },
      undefined,
      'w',
      'ema.module',
      [],
    ],
    [
      'a key that holds no tensors',
      { model: { a: 'number' }, state_dict: weights('w') },
      undefined,
      'w',
      'state_dict',
      [],
    ],
    [
      'weights before an average',
      { model_ema: weights('e'), model: weights('w') },
      undefined,
      'w',
      'model',
      ['model_ema'],
    ],
    [
      'the average that is asked for',
      { model_ema: weights('e'), model: weights('w') },
      'model_ema',
      'e',
      'model_ema',
      ['model'],
    ],
    [
      'the beginning of a key',
      { ema: { module: weights('e') }, model: weights('w') },
      'ema',
      'e',
      'ema.module',
      ['model'],
    ],
    [
      'a key of its own',
      { teacher: weights('t'), model: weights('w') },
      'teacher',
      't',
      'teacher',
      ['model'],
    ],
    ['a key with a dot', { 'a.b': weights('t') }, 'a.b', 't', 'a.b', []],
    [
      'a key in a key of its own',
      { a: { b: { model: weights('t') } } },
      'a.b',
      't',
      'a.b.model',
      [],
    ],
  ];
  for (const [what, tree, asked, name, key, others] of cases) {
    it(what, async () => {
      const table = await readCheckpoint(
        written(tree),
        asked === undefined ? {} : { stateDict: asked },
      );
      assert.deepEqual(
        table.tensors.map((entry) => entry.name),
        [name],
      );
      assert.deepEqual(table.stateDict, { key, others });
    });
  }

  it('names the existing keys if the requested one is missing', async () => {
    const path = written({ model: weights('w'), ema: weights('e'), list: 'number' });
    for (const stateDict of ['student', 'model.w', 'list', '', '__proto__']) {
      await rejectsWith(
        readCheckpoint(path, { stateDict }),
        'ERR_CHECKPOINT_MISMATCH',
        /expected weights under the key .*there are: "model", "ema"/,
      );
    }
    const safetensors = join(FIXTURES, 'odd.safetensors');
    const asked = readCheckpoint(safetensors, { stateDict: 'model' });
    await rejectsWith(asked, 'ERR_CHECKPOINT_MISMATCH', /no torch file.*--state-dict/);
  });
});

describe('names of wrapped models', () => {
  const shapes = stateDict(towerRows('eva02', { D: 64, H: 170, E: 6, P: 14, N: 5, layers: 2 }), 0);
  const renamed = (change: (name: string) => string) =>
    Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [change(name), shape]));
  const changes: [string, (name: string) => string][] = [
    ['DataParallel', (name) => `module.visual.${name}`],
    ['DataParallel of a part', (name) => `visual.module.${name}`],
    ['torch.compile of a part', (name) => `visual._orig_mod.${name}`],
    [
      'torch.compile of each block',
      (name) => `visual.${name.replace(/^(blocks\.\d+)/, '$1._orig_mod')}`,
    ],
    [
      'activation checkpointing',
      (name) => name.replace(/^(blocks\.\d+)/, '$1._checkpoint_wrapped_module'),
    ],
    [
      'FSDP',
      (name) =>
        `_fsdp_wrapped_module.visual.${name.replace('.attn', '._fsdp_wrapped_module.attn')}`,
    ],
    [
      'all at once',
      (name) => `module._orig_mod.visual._fsdp_wrapped_module._checkpoint_wrapped_module.${name}`,
    ],
    ['Lightning', (name) => `model.visual.${name}`],
    ['Lightning of a compiled model', (name) => `model._orig_mod.visual.${name}`],
    ['Lightning in DataParallel', (name) => `module.model.${name}`],
  ];
  for (const [what, change] of changes) {
    it(what, () => {
      const { weights: found } = resolveModel(tableOf(renamed(change)));
      assert.equal(found.length, Object.keys(shapes).length);
    });
  }

  it('refuses two names that become the same', () => {
    const table = tableOf({ ...shapes, 'model.norm.bias': [64] });
    throwsWith(
      () => resolveModel(table),
      'ERR_CHECKPOINT_MISMATCH',
      /two tensors that mean "norm\.bias"/,
    );
  });

  it('ignores what a Lightning module holds beside its model, and nothing else', () => {
    const beside = { 'criterion.weight': [3], 'teacher.visual.norm.bias': [64] };
    const held = renamed((name) => `model.visual.${name}`);
    const { ignored } = resolveModel(tableOf({ ...held, ...beside }));
    assert.deepEqual(ignored, Object.keys(beside));
    const pattern = /holds tensor "(criterion\.weight|model\.visual\.extra)"/;
    for (const table of [
      { ...shapes, ...beside },
      { ...held, 'model.visual.extra': [1] },
    ]) {
      throwsWith(() => resolveModel(tableOf(table)), 'ERR_CHECKPOINT_MISMATCH', pattern);
    }
  });

  it('ignores the number of averaged weights', () => {
    const table = tableOf({ ...renamed((name) => `module.${name}`), n_averaged: [] });
    assert.deepEqual(resolveModel(table).ignored, ['n_averaged']);
  });

  for (const dtype of ['f8_e4m3', 'c64', 'u16', 'sparse', 'quint4x2'] as const) {
    it(`refuses weights of ${dtype} by name, and takes it beside them`, () => {
      const beside = tableOf({ ...shapes, 'text.extra': [4] });
      for (const entry of beside.tensors) if (entry.name === 'text.extra') entry.dtype = dtype;
      assert.deepEqual(resolveModel(beside).ignored, ['text.extra']);
      const among = tableOf(shapes);
      for (const entry of among.tensors) if (entry.name === 'norm.bias') entry.dtype = dtype;
      const pattern = new RegExp(`"norm\\.bias".*has type ${dtype}`);
      throwsWith(() => resolveModel(among), 'ERR_CHECKPOINT_UNSUPPORTED', pattern);
    });
  }

  it('refuses weights that repeat their elements', () => {
    const table = tableOf(shapes);
    for (const entry of table.tensors) if (entry.name === 'norm.bias') entry.strides = [0];
    throwsWith(() => resolveModel(table), 'ERR_CHECKPOINT_UNSUPPORTED', /"norm\.bias".*repeats/);
  });
});

describe('folders', () => {
  const tensors = (...names: string[]) =>
    names.map((name) => ({ name, dtype: 'f32' as const, shape: [1], data: new Uint8Array(4) }));

  function folderOf(content: Record<string, string[] | Record<string, string> | string>): string {
    const path = join(folder, `folder-${files++}`);
    mkdirSync(path);
    for (const [name, what] of Object.entries(content)) {
      if (typeof what === 'string') writeFileSync(join(path, name), what);
      else if (Array.isArray(what)) writeTorch(join(path, name), tensors(...what));
      else writeFileSync(join(path, name), JSON.stringify({ metadata: {}, weight_map: what }));
    }
    return path;
  }

  const cases: [string, Parameters<typeof folderOf>[0], string[]][] = [
    [
      'shards in torch files',
      {
        'pytorch_model.bin.index.json': { a: 'pytorch_model-1.bin', b: 'pytorch_model-2.bin' },
        ...{ 'pytorch_model-1.bin': ['a'], 'pytorch_model-2.bin': ['b'] },
      },
      ['a', 'b'],
    ],
    [
      'an index of an earlier save beside a whole file',
      { 'model.safetensors.index.json': { a: 'gone.safetensors' }, 'model.safetensors': ['whole'] },
      ['whole'],
    ],
    [
      'the same of torch files',
      { 'pytorch_model.bin.index.json': { a: 'gone.bin' }, 'pytorch_model.bin': ['whole'] },
      ['whole'],
    ],
    [
      'what a trainer keeps',
      {
        ...{ 'pytorch_model.bin': ['w'], 'optimizer.pt': ['o'], 'scheduler.pt': ['s'] },
        ...{
          'training_args.bin': 'x',
          'rng_state.pth': 'x',
          'rng_state_0.pth': 'x',
          'scaler.pt': 'x',
        },
      },
      ['w'],
    ],
    ["macOS's doubles", { 'model.safetensors': ['w'], '._model.safetensors': 'x' }, ['w']],
    ['a file of another ending', { 'epoch=3.ckpt': ['w'], 'hparams.yaml': 'x' }, ['w']],
    ['open_clip’s name', { 'open_clip_pytorch_model.bin': ['w'] }, ['w']],
  ];
  for (const [what, content, expected] of cases) {
    it(what, async () => {
      const { tensors: found } = await readCheckpoint(folderOf(content));
      assert.deepEqual(found.map(({ name }) => name).sort(), expected);
    });
  }

  it('an index in place of a shard', () =>
    rejectsWith(
      readCheckpoint(
        folderOf({ 'x.bin.index.json': { a: 'y.bin' }, 'y.bin': '{"weight_map":{"a":"x.bin"}}' }),
      ),
      'ERR_CHECKPOINT_FORMAT',
      /y\.bin/,
    ));

  it("the hub's cache, whose files are links", async () => {
    const path = folderOf({ 'config.json': '{"embed_dim":1}' });
    mkdirSync(join(path, 'blobs'));
    copyFileSync(join(FIXTURES, 'odd-2.pt'), join(path, 'blobs', 'f'.repeat(64)));
    mkdirSync(join(path, 'snapshots/main'), { recursive: true });
    symlinkSync(`../../blobs/${'f'.repeat(64)}`, join(path, 'snapshots/main/model.pt'));
    symlinkSync('../../config.json', join(path, 'snapshots/main/config.json'));
    const { tensors: found, stated } = await readCheckpoint(join(path, 'snapshots/main'));
    assert.equal(found.length, 11);
    assert.deepEqual(
      stated.map(({ name }) => name),
      ['config.json'],
    );
  });
});

describe("torch's old formats", () => {
  const whole = join(FIXTURES, 'beside-legacy-2.pt');

  it('refuses one that is cut short, wherever', async () => {
    const path = join(folder, 'cut.pt');
    const { length } = readFileSync(whole);
    for (const end of [20, 30, 500, length - 2000, length - 100, length - 1]) {
      copyFileSync(whole, path);
      truncateSync(path, end);
      await assert.rejects(
        readCheckpoint(path),
        { code: /^ERR_CHECKPOINT_(FORMAT|UNSAFE)$/ },
        `${end}`,
      );
    }
  });

  it('refuses storages of another length than their tensors say', async () => {
    const bytes = readFileSync(whole);
    const path = join(folder, 'length.pt');
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(6n);
    const at = bytes.lastIndexOf(count);
    assert.ok(at > 0);
    bytes.writeUInt8(5, at);
    writeFileSync(path, bytes);
    await rejectsWith(readCheckpoint(path), 'ERR_CHECKPOINT_FORMAT', /not a valid torch file/);
  });

  it('names the oldest, a tar archive', async () => {
    const path = join(folder, 'old.tar');
    writeFileSync(join(folder, 'pickle'), 'x');
    execFileSync('tar', ['-cf', path, '-C', folder, 'pickle']);
    await rejectsWith(readCheckpoint(path), 'ERR_CHECKPOINT_UNSUPPORTED', /tar archive/);
  });
});
