import { safetensorsHeader } from '../support/safetensors-writer.mts';
import { mutateBytes, writeEdge } from './byte-mutations.mts';
import { mutateJson } from './json-mutations.mts';
import type { Random } from './random.mts';

/** Changes the header and corrects its length; sometimes it also resizes the data. */
export function mutateSafetensors(bytes: Buffer, random: Random): Buffer {
  if (bytes.length < 8) return mutateBytes(bytes, random);
  const end = 8 + Number(bytes.readBigUInt64LE() & 0xffffn);
  const header = mutateJson(bytes.subarray(8, end).toString('latin1').trimEnd(), random);
  const data = bytes.subarray(end);
  const resized = random.below(4) === 0 ? Buffer.alloc(random.below(2 * data.length + 2)) : data;
  return Buffer.concat([safetensorsHeader(header), resized]);
}

/** Offset and width in bytes of the fields of each kind of zip record. */
const ZIP_FIELDS: readonly [string, readonly (readonly [number, number])[]][] = [
  [
    'PK\x03\x04',
    [
      [6, 2],
      [8, 2],
      [14, 4],
      [18, 4],
      [22, 4],
      [26, 2],
      [28, 2],
    ],
  ],
  [
    'PK\x01\x02',
    [
      [8, 2],
      [10, 2],
      [16, 4],
      [20, 4],
      [24, 4],
      [28, 2],
      [30, 2],
      [32, 2],
      [42, 4],
    ],
  ],
  [
    'PK\x05\x06',
    [
      [4, 2],
      [8, 2],
      [10, 2],
      [12, 4],
      [16, 4],
      [20, 2],
    ],
  ],
  [
    'PK\x06\x06',
    [
      [4, 8],
      [24, 8],
      [32, 8],
      [40, 8],
      [48, 8],
    ],
  ],
  [
    'PK\x06\x07',
    [
      [8, 8],
      [16, 4],
    ],
  ],
];

/**
 * Writes an edge number into a field of a random record of the archive, or changes it by a small
 * step.
 */
export function mutateZip(bytes: Buffer, random: Random): Buffer {
  const [signature, fields] = random.pick(ZIP_FIELDS);
  const records = [...bytes.toString('latin1').matchAll(new RegExp(signature, 'g'))];
  if (records.length === 0) return mutateBytes(bytes, random);
  const [offset, width] = random.pick(fields);
  const at = random.pick(records).index + offset;
  if (random.below(2) === 0 || at >= bytes.length) return writeEdge(bytes, at, width, random);
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) + random.pick([1, 2, 255]);
  return copy;
}

const OPCODES = [
  ...'N\x88\x89()t\x85\x86\x87]ae}suRQb\x930012.',
  ...['h\0', 'h\x01', 'h\x05', 'q\0', 'q\x01', 'j\0\0\0\0', 'r\xff\xff\xff\xff', '\x94', 'K\x01'],
  ...['J\xff\xff\xff\xff', '\x8a\x08\xff\xff\xff\xff\xff\xff\x1f\0', 'X\x01\0\0\0a', '\x8c\x01b'],
  ...['ccollections\nOrderedDict\n)R', 'ctorch\nFloatStorage\n', 'cos\nsystem\n', '(lp0\n', 'I1\n'],
  ...[
    '\x81',
    '\x8f',
    '\x90',
    '\x91',
    'cpathlib\nPosixPath\n',
    'ctorch\nSize\n',
    'U\x01a',
    'C\x01a',
  ],
  ...['ctorch._tensor\n_rebuild_from_type_v2\n', 'ccollections\nCounter\n', 'ctorch\nTensor\n'],
  ...[
    'ctorch._utils\n_rebuild_tensor_v3\n',
    'ctorch.nn.parameter\nParameter\n',
    'ctorch\nuint16\n',
  ],
  ...['ctorch._utils\n_rebuild_tensor_v2\n', 'ctorch._utils\n_rebuild_parameter\n', 'G0123456\0'],
];

/** Changes data.pkl in a well-formed archive, so that the change reaches the unpickler. */
export function mutatePickle(pickle: Buffer, random: Random): Buffer {
  const at = random.below(pickle.length + 1);
  const inserted = Buffer.from(random.pick(OPCODES), 'latin1');
  const skip = random.pick([0, 0, 1, inserted.length]);
  const changes = [
    () => Buffer.concat([pickle.subarray(0, at), inserted, pickle.subarray(at + skip)]),
    () => mutateBytes(pickle, random),
    () => writeEdge(pickle, at, random.pick([1, 4]), random),
  ];
  return random.pick(changes)();
}
