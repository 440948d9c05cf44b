import { crc32 } from 'node:zlib';
import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { ByteSource } from './byte-source';
import { MAX_PICKLE_BYTES } from './limits';
import { unpickle } from './pickle';
import { malformedTorch, placeTensor } from './place-tensor';
import { type ParsedFile, weightsOf } from './state-dict';
import { TORCH_WORLD } from './torch-world';
import { readZip } from './zip';
import type { ZipEntry } from './zip-entry';

const PICKLE = '/data.pkl';

/** The records of a torch file. All of them are under one folder, which may have any name. */
interface Archive {
  source: ByteSource;
  prefix: string;
  entries: Map<string, ZipEntry>;
}

/**
 * Reads the table of tensors of a `.pt` or `.bin` file as torch.save writes it since torch 1.6. It
 * reads only the small records, and checks that each tensor fits its storage.
 *
 * @param key key of the weights, if the file holds those of several models
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSAFE, ERR_CHECKPOINT_UNSUPPORTED;
 *   ERR_CHECKPOINT_MISMATCH if there is no such key
 */
export function parseTorchZip(source: ByteSource, key?: string): ParsedFile {
  const archive = openArchive(source);
  const pickle = readRecord(archive, 'data.pkl', MAX_PICKLE_BYTES);
  const recordOf = (storage: string) => archive.entries.get(`${archive.prefix}data/${storage}`);
  const { tensors, stateDict } = weightsOf(unpickle(pickle, TORCH_WORLD), source.path, key);
  const placed = [...tensors].map(([name, tensor]) => placeTensor(source, name, tensor, recordOf));
  return { format: 'torch', tensors: placed, stateDict };
}

function openArchive(source: ByteSource): Archive {
  const entries = readZip(source);
  const pickles = [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  const [pickle, ...more] = pickles;
  if (pickle === undefined || more.length > 0) {
    throw malformedTorch(source, `expected one <name>${PICKLE}, found ${pickles.length}`);
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

/** Reads a small record and verifies its checksum. */
function readRecord({ source, prefix, entries }: Archive, name: string, limit: number): Buffer {
  const entry = entries.get(prefix + name);
  if (entry === undefined) throw malformedTorch(source, `record ${quote(name)} is missing`);
  if (entry.size > limit) {
    throw malformedTorch(
      source,
      `record ${quote(name)} has ${entry.size} bytes, more than ${limit}`,
    );
  }
  const bytes = source.read(entry.offset, entry.size);
  if (crc32(bytes) !== entry.crc) {
    throw malformedTorch(source, `record ${quote(name)} is damaged: its checksum differs`);
  }
  return bytes;
}

function unsupported(source: ByteSource, problem: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', `${source.path} ${problem}`);
}
