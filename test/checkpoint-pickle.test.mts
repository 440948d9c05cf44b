// Tests the objects beside the weights in a torch file, and that nothing in it is executed.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCheckpoint } from '#lib/checkpoint/read';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { PickleWriter } from './support/pickle-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { tensorValues } from './support/tensor-values.mts';
import { writeArchive } from './support/torch-writer.mts';

const FIXTURES = join(import.meta.dirname, 'fixtures/checkpoints');
const folder = temporaryFolder();
let files = 0;

/** Writes a torch file with this pickle and one storage of 64 bytes. */
function forge(pickle: PickleWriter): string {
  const path = join(folder, `${files++}.pt`);
  const record = { name: 'data/0', data: new Uint8Array(64), size: 64 };
  writeArchive(path, pickle.stop(), [record]);
  return path;
}

const start = (protocol?: number) => new PickleWriter(protocol);
const tensor = { type: 'FloatStorage', key: '0', elements: 16, shape: [16], strides: [1] };

describe('files saved by torch 2.11', () => {
  const expected = JSON.parse(readFileSync(join(FIXTURES, 'beside.json'), 'utf8'));
  const kinds = ['zip', 'legacy'].flatMap((kind) => [1, 2, 3, 4, 5].map((n) => `${kind}-${n}`));
  for (const kind of kinds) {
    it(`the weights of beside-${kind}.pt, whatever else lies there`, async () => {
      const table = await readCheckpoint(join(FIXTURES, `beside-${kind}.pt`));
      assert.deepEqual(table.stateDict, { key: 'model_state_dict', others: [] });
      assert.deepEqual(table.tensors.map(({ name }) => name).sort(), Object.keys(expected).sort());
      for (const entry of table.tensors) {
        assert.deepEqual(entry.shape, expected[entry.name].shape);
        assert.deepEqual(tensorValues(entry), expected[entry.name].values);
      }
    });

    it(`the types of the tensors in beside-${kind}.pt that are no weights`, async () => {
      const options = { stateDict: 'optimizer' };
      const { tensors } = await readCheckpoint(join(FIXTURES, `beside-${kind}.pt`), options);
      const found = tensors.map(({ name, dtype, shape }) => [name, `${dtype} ${shape}`]);
      assert.deepEqual(Object.fromEntries(found), {
        ...{ attributed: 'f32 2', attributes: 'f32 3', c64: 'c64 2', conjugated: 'conjugated 2' },
        ...{ f8: 'f8_e4m3 4', f8_e5m2: 'f8_e5m2 4', u16: 'u16 3', u64: 'u64 3' },
        ...{ sparse: 'sparse ', csr: 'sparse ', meta: 'meta 2,2', expanded: 'f32 5' },
        ...{ quantised: 'qint8 4', channels: 'quint8 2,2', rng: 'u8 16' },
      });
      const expanded = tensors.find(({ name }) => name === 'expanded');
      assert.ok(expanded);
      assert.deepEqual(tensorValues(expanded), [1, 1, 1, 1, 1]);
    });
  }

  it('everything that torch.load reads with weights_only', async () => {
    const { tensors } = await readCheckpoint(join(FIXTURES, 'beside-safe.pt'));
    assert.deepEqual(tensors.map(({ name }) => name).sort(), Object.keys(expected).sort());
  });
});

describe('old kinds of pickles', () => {
  it('with storages on CUDA', async () => {
    const file = readFileSync(join(FIXTURES, 'beside-legacy-2.pt'), 'latin1');
    const path = join(folder, 'cuda.pt');
    writeFileSync(
      path,
      file.replace(/ctorch\n((?!Q)\w+Storage)\n/g, 'ctorch.cuda\n$1\n'),
      'latin1',
    );
    const values = async (from: string) => (await readCheckpoint(from)).tensors.map(tensorValues);
    assert.deepEqual(await values(path), await values(join(FIXTURES, 'beside-legacy-2.pt')));
  });

  it("Python 2's: short strings, and an OrderedDict made of pairs", async () => {
    const pickle = start().global('collections', 'OrderedDict').raw('(](](U\x01w').tensor(tensor);
    const { tensors } = await readCheckpoint(forge(pickle.raw('eetR')));
    assert.deepEqual(
      tensors.map(({ name }) => name),
      ['w'],
    );
  });

  it('a parameter and a tensor whose content is set by BUILD', async () => {
    const pickle = start().emptyDict().mark().string('parameter');
    pickle.global('torch.nn.parameter', 'Parameter').raw(')\x81').mark().tensor(tensor);
    pickle.raw('N').orderedDict().bool(true).bool(false).raw('tb').string('tensor');
    pickle.global('torch', 'Tensor').raw(')R').mark().storage('FloatStorage', '0', 16).int(4);
    pickle.tuple(2).tuple(1).raw('tb');
    const { tensors } = await readCheckpoint(forge(pickle.setItems()));
    assert.deepEqual(
      tensors.map(({ name, shape }) => [name, shape]),
      [
        ['parameter', [16]],
        ['tensor', [2]],
      ],
    );
  });
});

describe('an inert name', () => {
  const path = () => start().callWith('pathlib', 'PosixPath', '/etc/passwd');
  const builder = (name: string) => start().global('torch._tensor', name).mark();
  const refused: [string, PickleWriter, RegExp][] = [
    ['gives nothing that can be called', path().string('x').raw('\x85R'), /not a function/],
    ['gives no class', path().raw(')\x81'), /not a function/],
    ['takes no items', path().string('k').string('v').raw('s'), /not a dict/],
    ['takes none at its end', path().string('v').raw('a'), /not a list/],
    [
      'has no methods',
      start().callWith('pathlib', 'PosixPath.unlink', '/etc/passwd'),
      /allow-list/,
    ],
    ['is no module', start().callWith('pathlib.PosixPath', 'unlink', '/etc/passwd'), /allow-list/],
    ['has no neighbours', start().callWith('numpy', 'load', 'x.npy'), /"numpy\.load"/],
    ['nor those of its module', start().callWith('argparse', 'ArgumentParser', 'x'), /allow-list/],
    [
      'rebuilds no tensor',
      builder('_rebuild_from_type_v2')
        .global('pathlib', 'PosixPath')
        .global('torch', 'Tensor')
        .mark()
        .string('/etc/passwd')
        .raw('t}tR'),
      /rebuilds no tensor/,
    ],
    [
      'is no storage',
      start()
        .mark()
        .string('storage')
        .global('pathlib', 'PosixPath')
        .string('0')
        .string('cpu')
        .int(16)
        .raw('tQ'),
      /not that of a storage/,
    ],
    ['has no state itself', start().global('argparse', 'Namespace').emptyDict().raw('b'), /BUILD/],
    ['calls nothing by a list', start().global('argparse', 'Namespace').raw(']R'), /not a tuple/],
  ];
  for (const [what, pickle, pattern] of refused) {
    it(what, () => rejectsWith(readCheckpoint(forge(pickle)), 'ERR_CHECKPOINT_UNSAFE', pattern));
  }

  for (const [module, name] of [
    ['functools', 'partial'],
    ['operator', 'attrgetter'],
    ['builtins', 'getattr'],
    ['builtins', 'object'],
    ['builtins', '__import__'],
    ['copyreg', '_reconstructor'],
    ['types', 'SimpleNamespace'],
    ['numpy', 'fromfile'],
    ['numpy.core.multiarray', 'fromstring'],
    ['torch.storage', '_load_from_bytes'],
    ['torch.hub', 'load'],
    ['transformers.training_args', 'TrainingArguments'],
  ] as const) {
    it(`is not ${module}.${name}`, () =>
      rejectsWith(
        readCheckpoint(forge(start().callWith(module, name, 'x'))),
        'ERR_CHECKPOINT_UNSAFE',
        new RegExp(`"${module}\\.${name}", which is not on the allow-list`),
      ));
  }
});

describe('pickles that would cost much', () => {
  const timeout = 600_000;

  it('a tensor in a tensor with attributes, again and again', { timeout }, () => {
    const pickle = start();
    for (let i = 0; i < 30_000; i++) {
      pickle.global('torch._tensor', '_rebuild_from_type_v2').global('torch', 'Tensor');
    }
    pickle.raw(')');
    for (let i = 0; i < 30_000; i++) pickle.raw('}\x87\x86');
    return rejectsWith(readCheckpoint(forge(pickle.raw('R'))), 'ERR_CHECKPOINT_UNSAFE', /./);
  });

  it('a large dictionary that is copied again and again', { timeout }, () => {
    const pickle = start().emptyDict().raw('q\0').mark();
    for (let i = 0; i < 10_000; i++) pickle.int(i).raw('N');
    pickle.setItems();
    for (let i = 0; i < 1000; i++) pickle.global('collections', 'Counter').raw('h\0\x85R');
    return rejectsWith(readCheckpoint(forge(pickle)), 'ERR_CHECKPOINT_UNSAFE', /take too much/);
  });
});
