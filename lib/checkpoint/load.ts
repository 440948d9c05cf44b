import { basename, resolve } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { type ByteSource, withFile } from './byte-source';
import { isJsonObject, type JsonObject, parseJson } from './json';
import { MAX_CONFIG_BYTES } from './limits';
import { besideCheckpoint, locateCheckpoint } from './locate';
import { parseSafetensors } from './safetensors';
import { parseSharded } from './sharded';
import type { CheckpointTable, StatedFile, TensorEntry } from './table';
import { parseTorchZip } from './torch-zip';

/** What says how a model is built: in transformers' words or timm's, and in open_clip's. */
const CONFIG_NAMES = ['config.json', 'open_clip_config.json'];
/** What says what becomes of pictures; the second since transformers 5. */
const PROCESSOR_NAMES = ['preprocessor_config.json', 'processor_config.json'];

/** Synchronous core of `readCheckpoint`; it runs in the worker. */
export function loadCheckpoint(path: string, config?: string): CheckpointTable {
  const file = locateCheckpoint(path);
  const parsed = withFile(file, parseCheckpoint);
  const configs = config === undefined ? besideCheckpoint(file, CONFIG_NAMES) : [resolve(config)];
  const processors = besideCheckpoint(file, PROCESSOR_NAMES);
  const stated = [
    ...configs.map((name) => readStated(name, 'model')),
    ...processors.map((name) => readStated(name, 'pictures')),
  ];
  return { path, ...parsed, stated };
}

function readStated(path: string, about: StatedFile['about']): StatedFile {
  return { name: basename(path), about, content: withFile(path, readConfig) };
}

/** Tells the format by the first bytes, whatever the file is called. */
export function parseCheckpoint(source: ByteSource): {
  format: CheckpointTable['format'];
  tensors: TensorEntry[];
} {
  const start = source.read(0, Math.min(source.size, 16));
  const magic = start.toString('latin1');
  if (magic.startsWith('PK\x03\x04')) return { format: 'torch', tensors: parseTorchZip(source) };
  refuseKnownOthers(source, magic);
  const parse = looksLikeJson(start) ? parseSharded : parseSafetensors;
  return { format: 'safetensors', tensors: parse(source) };
}

/** A safetensors header's length is below 2³², so its upper bytes are zero; text has no zero bytes. */
function looksLikeJson(start: Buffer): boolean {
  return /^\s*\{/.test(start.toString('latin1')) && !start.includes(0);
}

function refuseKnownOthers(source: ByteSource, magic: string): void {
  if (magic.startsWith('version https://')) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_FORMAT',
      `${source.path} is a Git LFS pointer, not the file itself; run \`git lfs pull\``,
    );
  }
  // The magic number, as a pickled integer, of torch.save before torch 1.6.
  if (magic.startsWith('\x80\x02\x8a\x0a')) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `${source.path} was saved in torch's old format; load it in Python and torch.save it again`,
    );
  }
}

function readConfig(source: ByteSource): JsonObject {
  if (source.size > MAX_CONFIG_BYTES) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_FORMAT',
      `${source.path} has ${source.size} bytes, more than a configuration's ${MAX_CONFIG_BYTES}`,
    );
  }
  const limits = { maxKeys: 10_000, maxValues: 100_000 };
  const json = parseJson(source.read(0, source.size), source.path, limits);
  if (isJsonObject(json)) return json;
  throw new LLM2CLIPError('ERR_CHECKPOINT_FORMAT', `${source.path} is not a JSON object`);
}
