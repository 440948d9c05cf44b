import type { Random } from './random.mts';

/** Numbers at the limits of fields. */
export const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 7n, 8n, 63n, 64n, 127n, 128n, 255n, 256n, 32767n, 65534n, 65535n],
  ...[2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 2n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 52n],
  ...[2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => changed(bytes, random, (old) => old ^ (1 << random.below(8))),
  (bytes, random) => changed(bytes, random, () => random.below(256)),
  (bytes, random) =>
    writeEdge(bytes, random.below(bytes.length + 1), random.pick([1, 2, 4, 8]), random),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => {
    const [start, end] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  (bytes, random) => {
    const [start, end] = range(bytes, random);
    const to = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(start, end), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const [start, end] = range(bytes, random);
    const copy = Buffer.from(bytes);
    copy.copyWithin(random.below(bytes.length + 1), start, end);
    return copy;
  },
];

/** Makes one change without knowledge of the format. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  return random.pick(MUTATIONS)(bytes, random);
}

/** Overwrites a little-endian field of `width` bytes with a number from {@link EDGES}. */
export function writeEdge(bytes: Buffer, at: number, width: number, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  if (at + width > copy.length) return copy;
  const value = BigInt.asUintN(8 * width, random.pick(EDGES) + BigInt(random.below(3) - 1));
  for (let i = 0; i < width; i++) copy[at + i] = Number((value >> BigInt(8 * i)) & 255n);
  return copy;
}

function changed(bytes: Buffer, random: Random, value: (old: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(bytes.length);
  if (bytes.length > 0) copy[at] = value(copy[at] ?? 0);
  return copy;
}

/** Returns a random range, which is short more often than long. */
function range(bytes: Buffer, random: Random): [number, number] {
  const start = random.below(bytes.length + 1);
  const longest = random.pick([1, 4, 16, 64, 1024]);
  return [start, Math.min(bytes.length, start + 1 + random.below(longest))];
}
