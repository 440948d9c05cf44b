import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { readCheckpoint } from '#lib/checkpoint/read';
import type { ErrorCode } from '#lib/errors';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { PickleWriter } from './support/pickle-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { tensorValues } from './support/tensor-values.mts';
import { writeArchive, writeTorch } from './support/torch-writer.mts';
import { ZipWriter } from './support/zip-writer.mts';

const FIXTURES = join(import.meta.dirname, 'fixtures/checkpoints');
const folder = temporaryFolder();
let files = 0;
const newFile = () => join(folder, `${files++}.pt`);

function f32(name: string, values: number[]) {
  const data = new Uint8Array(new Float32Array(values).buffer);
  return { name, dtype: 'f32' as const, shape: [values.length], data };
}

const TWO = [f32('a', [1, 2, 3]), f32('b', [4, 5])];

describe('torch files that load', () => {
  const expected = JSON.parse(readFileSync(join(FIXTURES, 'odd.json'), 'utf8'));
  for (const protocol of [2, 4, 5]) {
    it(`what torch.save wrote with pickle protocol ${protocol}`, async () => {
      const { format, tensors } = await readCheckpoint(join(FIXTURES, `odd-${protocol}.pt`));
      assert.equal(format, 'torch');
      assert.deepEqual(tensors.map(({ name }) => name).sort(), Object.keys(expected).sort());
      for (const entry of tensors) {
        assert.deepEqual(entry.shape, expected[entry.name].shape, entry.name);
        assert.deepEqual(tensorValues(entry), expected[entry.name].values, entry.name);
      }
    });
  }

  it('parameters, beside numbers of every size', async () => {
    const { tensors } = await readCheckpoint(join(FIXTURES, 'parameters.pt'));
    assert.deepEqual(
      tensors.map(({ name, shape }) => [name, shape]),
      [
        ['linear.weight', [2, 3]],
        ['linear.bias', [2]],
      ],
    );
  });

  for (const wrap of [undefined, 'model', 'module', 'state_dict'] as const) {
    for (const zip64 of [false, true]) {
      it(`wrapped in ${wrap ?? 'nothing'}${zip64 ? ', zip64' : ''}`, async () => {
        const path = newFile();
        writeTorch(path, TWO, { zip64, prefix: 'module.', ...(wrap && { wrap }) });
        const { tensors } = await readCheckpoint(path);
        assert.deepEqual(
          tensors.map((entry) => [entry.name, tensorValues(entry)]),
          [
            ['module.a', [1, 2, 3]],
            ['module.b', [4, 5]],
          ],
        );
      });
    }
  }

  it('nested dictionaries, joined with dots', async () => {
    const pickle = new PickleWriter().emptyDict().mark().string('visual').emptyDict().mark();
    pickle
      .string('w')
      .tensor({ type: 'FloatStorage', key: '0', elements: 1, shape: [1], strides: [1] });
    const path = forge(pickle.setItems().setItems(), 4);
    assert.deepEqual(
      (await readCheckpoint(path)).tensors.map(({ name }) => name),
      ['visual.w'],
    );
  });
});

/** Writes a torch file with this pickle and one storage of `storageBytes` bytes. */
function forge(pickle: PickleWriter | Buffer, storageBytes = 64, byteorder = 'little'): string {
  const path = newFile();
  const bytes = pickle instanceof PickleWriter ? pickle.stop() : pickle;
  const record = { name: 'data/0', data: new Uint8Array(storageBytes), size: storageBytes };
  writeArchive(path, bytes, [record], { byteorder });
  return path;
}

const start = (protocol?: number) => new PickleWriter(protocol);
const tensor = { type: 'FloatStorage', key: '0', elements: 16, shape: [16], strides: [1] };
const stateDict = (fields: Partial<Parameters<PickleWriter['tensor']>[0]>) =>
  start()
    .emptyDict()
    .string('w')
    .tensor({ ...tensor, ...fields })
    .raw('s');

describe('pickles that are refused with ERR_CHECKPOINT_UNSAFE', () => {
  const call = (module: string, name: string) =>
    start().global(module, name).mark().string('touch /tmp/owned').raw('tR');
  const cases: [string, PickleWriter | Buffer, RegExp][] = [
    ['os.system', call('os', 'system'), /"os\.system".*allow-list/],
    ['posix.system', call('posix', 'system'), /"posix\.system"/],
    ['builtins.eval', call('builtins', 'eval'), /"builtins\.eval"/],
    ['builtins.getattr', call('builtins', 'getattr'), /"builtins\.getattr"/],
    ['torch.load', call('torch', 'load'), /"torch\.load"/],
    ['a dotted name', call('torch', '_utils._rebuild_tensor_v2'), /allow-list/],
    ['__proto__', call('', '__proto__'), /allow-list/],
    ['a name that has no end', start().raw(`c${'x'.repeat(1000)}`), /no end/],
    [
      'os.system by STACK_GLOBAL',
      start(4).string('os').string('system').raw('\x93'),
      /"os\.system"/,
    ],
    ['STACK_GLOBAL of numbers', start(4).int(1).int(2).raw('\x93'), /not a string/],
    ['a number made by NEWOBJ', start().int(1).raw(')\x81'), /not a function/],
    ['INST', start().raw('(ios\nsystem\n'), /unexpected operation "i"/],
    [
      'OBJ',
      start().mark().global('collections', 'OrderedDict').raw('o'),
      /unexpected operation "o"/,
    ],
    ['an extension code', start().raw('\x82\x01'), /unexpected/],
    ['text persistent id', start().raw('Pstorage\n'), /unexpected operation "P"/],
    ['BUILD on a dict', start().emptyDict().emptyDict().raw('b'), /BUILD/],
    ['BUILD on a tensor', start().tensor(tensor).emptyDict().raw('b'), /BUILD/],
    ['SETITEM on a list', start().raw(']').int(1).int(2).raw('s'), /not a dict/],
    ['SETITEM on a tensor', start().tensor(tensor).int(1).int(2).raw('s'), /not a dict/],
    ['SETITEMS on a number', start().int(1).mark().int(2).int(3).raw('u'), /not a dict/],
    ['SETITEMS with an odd one', start().emptyDict().mark().int(2).raw('u'), /without a value/],
    ['a key that is a dict', start().emptyDict().emptyDict().int(1).raw('s'), /cannot be hashed/],
    ['APPEND to a dict', start().emptyDict().int(1).raw('a'), /not a list/],
    ['stack underflow', start().raw('R'), /stack underflow/],
    ['stack underflow at the end', start(), /stack underflow/],
    ['popping below a mark', start().int(1).int(2).mark().raw('\x86'), /stack underflow/],
    ['no mark', start().int(1).raw('t'), /no mark/],
    ['dangling memo', start().raw('h\x05'), /recalls 5/],
    ['dangling long memo', start().raw('j\xff\xff\xff\xff'), /recalls 4294967295/],
    ['memoizing nothing', start().raw('q\x00'), /stack underflow/],
    ['calling a number', start().int(1).raw(')R'), /not a function/],
    ['calling a storage type', start().global('torch', 'FloatStorage').raw(')R'), /not a function/],
    ['calling with a list', start().global('collections', 'OrderedDict').raw(']R'), /not a tuple/],
    [
      'OrderedDict with arguments',
      start().global('collections', 'OrderedDict').tuple(1).raw('R'),
      /something other than pairs/,
    ],
    [
      'tensor of a number',
      start().global('torch._utils', '_rebuild_tensor_v2').tuple(1, 2, 3).raw('R'),
      /unexpected arguments/,
    ],
    [
      'parameter of a number',
      start().global('torch._utils', '_rebuild_parameter').tuple(1, 2, 3).raw('R'),
      /not a tensor/,
    ],
    ['negative offset', stateDict({ offset: -1 }), /unexpected arguments/],
    ['negative stride', stateDict({ strides: [-1] }), /unexpected arguments/],
    ['negative size', stateDict({ shape: [-1] }), /unexpected arguments/],
    ['fewer strides than sizes', stateDict({ shape: [4, 4] }), /unexpected arguments/],
    ['storage of negative length', stateDict({ elements: -1 }), /not that of a storage/],
    ['persistent id of a string', start().string('storage').raw('Q'), /not that of a storage/],
    ['protocol 0', start(0).emptyDict(), /protocol 1 to 5, found 0/],
    ['protocol 6', start(6).emptyDict(), /protocol 1 to 5, found 6/],
    ['an integer in words', Buffer.from('Ione\n.'), /"one" is no integer/],
    ['an integer without an end', Buffer.from(`L${'1'.repeat(500)}`), /no end/],
    ['empty pickle', Buffer.alloc(0), /ends inside/],
    ['no end', Buffer.from('\x80\x02}', 'latin1'), /ends inside/],
    ['string longer than the pickle', start().raw('X\xff\xff\xff\xffa'), /ends inside/],
    ['string of 2⁶⁴−1 bytes', start(4).raw(`\x8d${'\xff'.repeat(8)}a`), /ends inside/],
    ['bad UTF-8', start().raw('X\x01\x00\x00\x00\xff'), /not valid UTF-8/],
    [
      'bytes after the end',
      Buffer.concat([start().emptyDict().stop(), Buffer.from('x')]),
      /left over/,
    ],
    ['values left over', start().int(1).emptyDict(), /left over/],
    ['too deep a stack', start().raw(')'.repeat(200_000)), /stack overflow/],
    ['too many marks', start().raw('('.repeat(200_000)), /stack overflow/],
    [
      'too many operations',
      start()
        .raw(`})${'h\0'.repeat(0)}`)
        .raw('q\0'.repeat(4e6)),
      /operations/,
    ],
  ];
  for (const [what, pickle, pattern] of cases) {
    it(what, { timeout: 600_000 }, () =>
      rejectsWith(readCheckpoint(forge(pickle)), 'ERR_CHECKPOINT_UNSAFE', pattern),
    );
  }
});

describe('storages and views that are refused with ERR_CHECKPOINT_FORMAT', () => {
  const cases: [string, PickleWriter, number, RegExp][] = [
    ['record smaller than the storage', stateDict({}), 60, /"w".*64 bytes.*60 bytes/],
    [
      'storage smaller than the tensor',
      stateDict({ elements: 8 }),
      32,
      /"w".*ends at element 16 of 8/,
    ],
    ['missing record', stateDict({ key: '1' }), 64, /"w".*"1".*missing/],
    ['record outside data/', stateDict({ key: '../version' }), 64, /"w".*missing/],
    [
      'stride past the storage',
      stateDict({ shape: [4], strides: [6] }),
      64,
      /"w".*element 19 of 16/,
    ],
    ['offset past the storage', stateDict({ offset: 1 }), 64, /"w".*element 17 of 16/],
    [
      'sizes beyond 64 bits',
      stateDict({ shape: [2 ** 40, 2 ** 40], strides: [0, 0] }),
      64,
      /"w".*too large to count/,
    ],
    [
      'strides beyond 64 bits',
      stateDict({ shape: [2, 2], strides: [2 ** 52, 2 ** 52] }),
      64,
      /"w".*of 16/,
    ],
    [
      'too many dimensions',
      stateDict({ shape: Array(99).fill(1), strides: Array(99).fill(1) }),
      64,
      /"w".*99 dimensions/,
    ],
    [
      'a dict in itself',
      start().emptyDict().raw('q\0').string('x').raw('h\0s'),
      4,
      /deeper than 16/,
    ],
    [
      'the same name twice',
      start()
        .emptyDict()
        .mark()
        .string('a.b')
        .tensor(tensor)
        .string('a')
        .emptyDict()
        .string('b')
        .tensor(tensor)
        .raw('su'),
      64,
      /"a\.b" is there twice/,
    ],
    ['a billion of laughs', laughs(), 64, /more than 200000 entries/],
  ];
  for (const [what, pickle, bytes, pattern] of cases) {
    it(what, { timeout: 600_000 }, () =>
      rejectsWith(readCheckpoint(forge(pickle, bytes)), 'ERR_CHECKPOINT_FORMAT', pattern),
    );
  }

  /** Writes ten dicts, each of which holds the one before it ten times. */
  function laughs(): PickleWriter {
    const pickle = start().emptyDict().mark().string('base').emptyDict().raw('q\0');
    for (let level = 0; level < 10; level++) {
      pickle
        .int(level)
        .emptyDict()
        .raw([0x71, level + 1])
        .mark();
      for (let i = 0; i < 10; i++) pickle.int(i).raw([0x68, level]);
      pickle.setItems();
    }
    return pickle.setItems();
  }

  it('refuses pickles that are not a dictionary', () =>
    rejectsWith(
      readCheckpoint(forge(start().tensor(tensor))),
      'ERR_CHECKPOINT_UNSUPPORTED',
      /no dictionary of weights/,
    ));
  it('refuses big-endian files', () =>
    rejectsWith(
      readCheckpoint(forge(stateDict({}), 64, 'big')),
      'ERR_CHECKPOINT_UNSUPPORTED',
      /byte order "big"/,
    ));
});

describe('zip archives that are refused', () => {
  const path = newFile();
  writeTorch(path, TWO);
  const plain = readFileSync(path);
  writeTorch(path, TWO, { zip64: true });
  const wide = readFileSync(path);
  const LOCAL = Buffer.from('PK\x03\x04', 'latin1');
  const CENTRAL = Buffer.from('PK\x01\x02', 'latin1');
  const END = Buffer.from('PK\x05\x06', 'latin1');
  const END64 = Buffer.from('PK\x06\x06', 'latin1');

  /** Returns the archive after `change`, which receives a copy of it. */
  const changed = (original: Buffer, change: (bytes: Buffer) => unknown): string => {
    const bytes = Buffer.from(original);
    const result = change(bytes);
    const file = newFile();
    writeFileSync(file, Buffer.isBuffer(result) ? result : bytes);
    return file;
  };
  const name = (bytes: Buffer, text: string, occurrence: number) => {
    let at = -1;
    for (let i = 0; i <= occurrence; i++) at = bytes.indexOf(text, at + 1);
    return at;
  };

  const cases: [string, ErrorCode, () => string, RegExp][] = [
    [
      'truncated',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.subarray(0, b.length - 30)),
      /no central directory/,
    ],
    [
      'bytes after the end',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => Buffer.concat([b, Buffer.from('x')])),
      /no central directory/,
    ],
    [
      'local name unlike the central one',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.write('archive/data/7', name(b, 'archive/data/0', 0))),
      /headers? of "archive\/data\/0" differ/,
    ],
    [
      'local size unlike the central one',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.writeUInt32LE(1, b.indexOf(LOCAL) + 22)),
      /header of "archive\/data\.pkl" differ/,
    ],
    [
      'local method unlike the central one',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.writeUInt16LE(8, b.indexOf(LOCAL) + 8)),
      /header of "archive\/data\.pkl" differ/,
    ],
    [
      'local checksum unlike the central one',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.writeUInt32LE(1, b.indexOf(LOCAL) + 14)),
      /header of "archive\/data\.pkl" differ/,
    ],
    [
      'duplicate names',
      'ERR_CHECKPOINT_FORMAT',
      () =>
        changed(plain, (b) => {
          b.write('archive/data/0', name(b, 'archive/data/1', 1));
          b.write('archive/data/0', name(b, 'archive/data/1', 0));
        }),
      /"archive\/data\/0" is there twice/,
    ],
    [
      'DEFLATE',
      'ERR_CHECKPOINT_UNSUPPORTED',
      () => changed(plain, (b) => b.writeUInt16LE(8, b.indexOf(CENTRAL) + 10)),
      /"archive\/data\.pkl".*compressed/,
    ],
    [
      'encrypted',
      'ERR_CHECKPOINT_UNSUPPORTED',
      () => changed(plain, (b) => b.writeUInt16LE(1, b.indexOf(CENTRAL) + 8)),
      /encrypted/,
    ],
    [
      'stored with two sizes',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.writeUInt32LE(1e9, b.indexOf(CENTRAL) + 24)),
      /two different sizes/,
    ],
    [
      'overlapping entries',
      'ERR_CHECKPOINT_FORMAT',
      () =>
        changed(plain, (b) => {
          const first = b.indexOf(CENTRAL);
          b.writeUInt32LE(b.readUInt32LE(first + 42), b.indexOf(CENTRAL, first + 4) + 42);
        }),
      /overlaps|differ/,
    ],
    [
      'an entry that runs into the directory',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, growLastEntry),
      /runs into the central directory/,
    ],
    [
      'a header beyond the file',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.writeUInt32LE(0x7fffffff, b.indexOf(CENTRAL) + 42)),
      /no local header/,
    ],
    [
      'fewer entries than counted',
      'ERR_CHECKPOINT_FORMAT',
      () =>
        changed(plain, (b) => {
          b.writeUInt16LE(60, b.indexOf(END) + 8);
          b.writeUInt16LE(60, b.indexOf(END) + 10);
        }),
      /cut short/,
    ],
    [
      'more entries than counted',
      'ERR_CHECKPOINT_FORMAT',
      () =>
        changed(plain, (b) => {
          b.writeUInt16LE(1, b.indexOf(END) + 8);
          b.writeUInt16LE(1, b.indexOf(END) + 10);
        }),
      /another length/,
    ],
    [
      'zip64 size of 2⁶⁴−1',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(wide, (b) => b.fill(0xff, b.indexOf(END64) + 40, b.indexOf(END64) + 48)),
      /zip64 field says/,
    ],
    [
      'zip64 record that is missing',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(wide, (b) => b.write('PK\x06\x09', b.indexOf(END64), 'latin1')),
      /misplaced/,
    ],
    [
      'zip64 and plain record that differ',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(wide, (b) => b.writeUInt32LE(5, b.indexOf(END) + 16)),
      /zip64 and its plain/,
    ],
    [
      'damaged pickle',
      'ERR_CHECKPOINT_FORMAT',
      () => changed(plain, (b) => b.write('Z', b.indexOf('storage'))),
      /checksum differs/,
    ],
    ['no data.pkl', 'ERR_CHECKPOINT_FORMAT', () => archive(['archive/version']), /found 0/],
    [
      'two archives in one',
      'ERR_CHECKPOINT_FORMAT',
      () => archive(['a/data.pkl', 'b/data.pkl']),
      /expected one .*found 2/,
    ],
    [
      'TorchScript',
      'ERR_CHECKPOINT_UNSUPPORTED',
      () => archive(['a/data.pkl', 'a/constants.pkl']),
      /llm2clip import/,
    ],
    [
      'no more than the magic number of the format before torch 1.6',
      'ERR_CHECKPOINT_UNSAFE',
      () => changed(Buffer.from('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'), () => {}),
      /ends inside/,
    ],
  ];
  for (const [what, code, make, pattern] of cases) {
    it(what, () => rejectsWith(readCheckpoint(make()), code, pattern));
  }

  /** Makes both headers of the last entry claim a gigabyte. */
  function growLastEntry(bytes: Buffer): void {
    const central = bytes.lastIndexOf(CENTRAL);
    const local = bytes.lastIndexOf(LOCAL);
    for (const at of [central + 20, central + 24, local + 18, local + 22])
      bytes.writeUInt32LE(1e9, at);
  }

  function archive(names: string[]): string {
    const file = newFile();
    const zip = new ZipWriter(file);
    for (const entry of names) zip.add(entry, start().emptyDict().stop(), 4);
    zip.close();
    return file;
  }

  it("the writer's checksums are correct, so that only the intended fault is tested", () => {
    const at = plain.indexOf(CENTRAL);
    const dataAt = 30 + plain.readUInt16LE(26) + plain.readUInt16LE(28);
    const data = plain.subarray(dataAt, dataAt + plain.readUInt32LE(at + 24));
    assert.equal(crc32(data), plain.readUInt32LE(at + 16));
  });
});
