import { resolve } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { type ByteSource, withFile } from './byte-source';
import { isJsonObject, type JsonObject, parseJson } from './json';
import { MAX_CONFIG_BYTES } from './limits';
import { besideCheckpoint, locateCheckpoint } from './locate';
import { parseSafetensors } from './safetensors';
import { parseSharded } from './sharded';
import type { CheckpointTable, TensorEntry } from './table';
import { parseTorchZip } from './torch-zip';

const CONFIG_NAMES = ['config.json', 'open_clip_config.json'];
const PREPROCESSOR_NAMES = ['preprocessor_config.json'];

/** Synchronous core of `readCheckpoint`; it runs in the worker. */
export function loadCheckpoint(path: string, config?: string): CheckpointTable {
  const file = locateCheckpoint(path);
  const table: CheckpointTable = { path, ...withFile(file, parseCheckpoint) };
  const configFile = config === undefined ? besideCheckpoint(file, CONFIG_NAMES) : resolve(config);
  if (configFile !== undefined) table.config = withFile(configFile, readConfig);
  const preprocessorFile = besideCheckpoint(file, PREPROCESSOR_NAMES);
  if (preprocessorFile !== undefined) table.preprocessor = withFile(preprocessorFile, readConfig);
  return table;
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
