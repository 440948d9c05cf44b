// Reads torch.save's format before torch 1.6: consecutive pickles, followed by the storages.
import type { LLM2CLIPError } from '../errors';
import type { ByteSource } from './byte-source';
import { MAX_PICKLE_BYTES, MAX_RECORDS } from './limits';
import { type PickleWorld, unpickleNext } from './pickle';
import { PickleReader } from './pickle-reader';
import { PickleList, type PickleValue } from './pickle-values';
import { malformedTorch, placeTensor, type StoredBytes, storageElementBytes } from './place-tensor';
import { type ParsedFile, weightsOf } from './state-dict';
import type { TorchStorage } from './torch-objects';
import { storageOf, TORCH_WORLD } from './torch-world';

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
/** The magic number as a pickled integer. A protocol and a frame of eight bytes may precede it. */
const PICKLED_MAGIC_NUMBER = '\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19';
const STARTS = [2, 11];
/** The magic number in protocol 1, in digits. */
const WRITTEN_MAGIC_NUMBER = `L${MAGIC_NUMBER}L\n`;
const PROTOCOL_VERSION = 1001;
/** Size of the number of elements, which precedes each storage. */
const COUNT_BYTES = 8;

/** @param start the first bytes of a file, one character each */
export function isLegacyTorch(start: string): boolean {
  if (start.startsWith(WRITTEN_MAGIC_NUMBER)) return true;
  return start[0] === '\x80' && STARTS.some((at) => start.startsWith(PICKLED_MAGIC_NUMBER, at));
}

/**
 * Reads the table of tensors of a `.pt` or `.pth` file in torch's old format. Its numbers are
 * always little-endian. Only the lengths of the storages are read.
 *
 * @param key key of the weights, if the file holds those of several models
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSAFE, ERR_CHECKPOINT_UNSUPPORTED;
 *   ERR_CHECKPOINT_MISMATCH if there is no such key
 */
export function parseLegacyTorch(source: ByteSource, key?: string): ParsedFile {
  const storages = new Map<string, TorchStorage>();
  const reader = new PickleReader(source.read(0, Math.min(source.size, MAX_PICKLE_BYTES)));
  const world = noting(storages);
  const next = () => unpickleNext(reader, world);
  if (next() !== MAGIC_NUMBER) throw malformedTorch(source, 'its magic number is wrong');
  const version = next();
  if (version !== PROTOCOL_VERSION) {
    throw malformedTorch(source, `expected version ${PROTOCOL_VERSION} of the format`);
  }
  next(); // Skip the sizes of C's types on the machine that wrote the file.
  const { tensors, stateDict } = weightsOf(next(), source.path, key);
  const keys = next();
  const records = readRecords(source, reader.position, keysOf(source, keys), storages);
  const recordOf = (storage: string) => records.get(storage);
  const placed = [...tensors].map(([name, tensor]) => placeTensor(source, name, tensor, recordOf));
  return { format: 'torch', tensors: placed, stateDict };
}

/**
 * Records each storage that the pickles refer to. As in torch, the first reference states its type.
 */
function noting(storages: Map<string, TorchStorage>): PickleWorld {
  const persistent = (id: PickleValue) => {
    const storage = storageOf(id);
    if (!storages.has(storage.key)) storages.set(storage.key, storage);
    return storage;
  };
  return { ...TORCH_WORLD, persistent };
}

function keysOf(source: ByteSource, value: PickleValue): string[] {
  const items = value instanceof PickleList ? value.items : [undefined];
  const isKey = (item: PickleValue | undefined): item is string => typeof item === 'string';
  if (items.length <= MAX_RECORDS && items.every(isKey)) return items;
  throw malformedTorch(
    source,
    `expected a list of at most ${MAX_RECORDS} storages after its pickle`,
  );
}

/** Reads the positions of the storages, which follow `start` in the order of `keys`. */
function readRecords(
  source: ByteSource,
  start: number,
  keys: readonly string[],
  storages: ReadonlyMap<string, TorchStorage>,
): Map<string, StoredBytes> {
  const records = new Map<string, StoredBytes>();
  let at = start;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined) throw malformedTorch(source, 'it lists a storage that nothing uses');
    if (at + COUNT_BYTES > source.size) throw truncated(source);
    const count = source.read(at, COUNT_BYTES).readBigUInt64LE();
    if (count > BigInt(source.size)) throw truncated(source);
    const size = Number(count) * storageElementBytes(storage);
    at += COUNT_BYTES;
    records.set(key, { offset: at, size });
    at += size;
    if (at > source.size) throw truncated(source);
  }
  return records;
}

function truncated(source: ByteSource): LLM2CLIPError {
  return malformedTorch(
    source,
    `its storages end beyond its ${source.size} bytes: it is truncated`,
  );
}
