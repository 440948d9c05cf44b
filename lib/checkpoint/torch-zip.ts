import { crc32 } from 'node:zlib';
import { LLM2CLIPError } from '../errors';
import type { ByteSource } from './byte-source';
import { elementCount, elementSpan } from './extent';
import { MAX_PICKLE_BYTES, MAX_RANK } from './limits';
import { unpickle } from './pickle';
import { quote } from './quote';
import { flattenStateDict } from './state-dict';
import { DTYPE_BYTES, type TensorEntry } from './table';
import { TORCH_WORLD, type TorchTensor } from './torch-objects';
import { readZip } from './zip';
import type { ZipEntry } from './zip-entry';

const PICKLE = '/data.pkl';

/** The records of one torch file: everything lies under one folder, whatever its name. */
interface Archive {
  source: ByteSource;
  prefix: string;
  entries: Map<string, ZipEntry>;
}

/**
 * Reads the table of tensors of a `.pt` or `.bin` file as torch.save writes it since torch 1.6.
 * Only the small records are read; storages are checked against the tensors that lie in them.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSAFE, ERR_CHECKPOINT_UNSUPPORTED
 */
export function parseTorchZip(source: ByteSource): TensorEntry[] {
  const archive = openArchive(source);
  const pickle = readRecord(archive, 'data.pkl', MAX_PICKLE_BYTES);
  const tensors = flattenStateDict(unpickle(pickle, TORCH_WORLD), source.path);
  return [...tensors].map(([name, tensor]) => locate(archive, name, tensor));
}

function openArchive(source: ByteSource): Archive {
  const entries = readZip(source);
  const pickles = [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  const [pickle, ...more] = pickles;
  if (pickle === undefined || more.length > 0) {
    throw malformed(source, `expected one <name>${PICKLE}, found ${pickles.length}`);
  }
  const archive = { source, entries, prefix: pickle.slice(0, 1 - PICKLE.length) };
  if (entries.has(`${archive.prefix}constants.pkl`)) {
    throw unsupported(source, 'is a TorchScript program; use `llm2clip import` for it');
  }
  if (!entries.has(`${archive.prefix}byteorder`)) return archive;
  const byteorder = readRecord(archive, 'byteorder', 16).toString('latin1');
  if (byteorder !== 'little') {
    throw unsupported(source, `was saved with byte order ${quote(byteorder)}, expected "little"`);
  }
  return archive;
}

/** A small record, whole, checked against its checksum. */
function readRecord({ source, prefix, entries }: Archive, name: string, limit: number): Buffer {
  const entry = entries.get(prefix + name);
  if (entry === undefined) throw malformed(source, `record ${quote(name)} is missing`);
  if (entry.size > limit) {
    throw malformed(source, `record ${quote(name)} has ${entry.size} bytes, more than ${limit}`);
  }
  const bytes = source.read(entry.offset, entry.size);
  if (crc32(bytes) !== entry.crc) {
    throw malformed(source, `record ${quote(name)} is damaged: its checksum differs`);
  }
  return bytes;
}

function locate(
  { source, prefix, entries }: Archive,
  name: string,
  tensor: TorchTensor,
): TensorEntry {
  const { storage, shape, strides } = tensor;
  const wrong = (problem: string) => malformed(source, `tensor ${quote(name)} ${problem}`);
  const record = entries.get(`${prefix}data/${storage.key}`);
  if (record === undefined) throw wrong(`lies in record ${quote(storage.key)}, which is missing`);
  const elementBytes = DTYPE_BYTES[storage.dtype];
  if (storage.length * elementBytes !== record.size) {
    throw wrong(
      `lies in a storage of ${storage.length} ${storage.dtype} (${storage.length * elementBytes} ` +
        `bytes), its record has ${record.size} bytes`,
    );
  }
  if (shape.length > MAX_RANK) throw wrong(`has ${shape.length} dimensions, more than ${MAX_RANK}`);
  const count = elementCount(shape);
  // A view that repeats elements (stride 0) could claim any size at no cost to the file.
  if (count === undefined || count > storage.length) {
    throw wrong(`of shape [${shape}] is larger than its storage of ${storage.length} elements`);
  }
  const last = tensor.offset + elementSpan(shape, strides);
  if (last > storage.length) {
    throw wrong(`with strides [${strides}] ends at element ${last} of ${storage.length}`);
  }
  const offset = record.offset + tensor.offset * elementBytes;
  return { name, dtype: storage.dtype, shape, strides, file: source.path, offset };
}

function malformed(source: ByteSource, problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${source.path} is not a valid torch file: ${problem}`,
  );
}

function unsupported(source: ByteSource, problem: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', `${source.path} ${problem}`);
}
