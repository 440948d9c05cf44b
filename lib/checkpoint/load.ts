import { basename, resolve } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { type ByteSource, withFile } from './byte-source';
import { isJsonObject, type JsonObject, parseJson } from './json';
import { MAX_CONFIG_BYTES } from './limits';
import { besideCheckpoint, locateCheckpoint } from './locate';
import type { CheckpointOptions } from './read';
import { parseSafetensors } from './safetensors';
import { parseSharded } from './sharded';
import type { ParsedFile } from './state-dict';
import { ALL_OF_IT, type CheckpointTable, type StatedFile } from './table';
import { isLegacyTorch, parseLegacyTorch } from './torch-legacy';
import { parseTorchZip } from './torch-zip';

/** Configuration files of models: those of transformers and timm, and that of open_clip. */
const CONFIG_NAMES = ['config.json', 'open_clip_config.json'];
/** Files that state the preprocessing; transformers writes the second one since version 5. */
const PROCESSOR_NAMES = ['preprocessor_config.json', 'processor_config.json'];
/** Enough for the magic number of each format; that of a tar archive is not at the beginning. */
const BEGINNING_BYTES = 512;
const TAR_MAGIC_AT = 257;

/** The synchronous core of `readCheckpoint`, which runs in the worker. */
export function loadCheckpoint(
  path: string,
  { config, stateDict }: CheckpointOptions = {},
): CheckpointTable {
  const file = locateCheckpoint(path);
  const parsed = withFile(file, (source) => parseCheckpoint(source, stateDict));
  const configs = config === undefined ? besideCheckpoint(file, CONFIG_NAMES) : [resolve(config)];
  const processors = besideCheckpoint(file, PROCESSOR_NAMES);
  const stated = [
    ...configs.map((name) => readStated(name, 'model')),
    ...processors.map((name) => readStated(name, 'images')),
  ];
  return { path, ...parsed, stated };
}

function readStated(path: string, about: StatedFile['about']): StatedFile {
  return { name: basename(path), about, content: withFile(path, readConfig) };
}

/**
 * Parses a file of weights. The first bytes determine the format, whatever the name of the file.
 *
 * @param key key of the weights, if the file holds those of several models
 */
export function parseCheckpoint(source: ByteSource, key?: string): ParsedFile {
  const magic = beginningOf(source);
  if (!looksLikeJson(magic)) return parseWeights(source, magic, key);
  if (key !== undefined) throw noKeys(source, key);
  return parseSharded(source, (shard) => parseWeights(shard, beginningOf(shard)));
}

function beginningOf(source: ByteSource): string {
  return source.read(0, Math.min(source.size, BEGINNING_BYTES)).toString('latin1');
}

/** Parses a file of weights that is not an index. */
function parseWeights(source: ByteSource, magic: string, key?: string): ParsedFile {
  if (magic.startsWith('PK\x03\x04')) return parseTorchZip(source, key);
  if (isLegacyTorch(magic)) return parseLegacyTorch(source, key);
  refuseKnownOthers(source, magic);
  if (key !== undefined) throw noKeys(source, key);
  return { format: 'safetensors', tensors: parseSafetensors(source), stateDict: ALL_OF_IT };
}

function noKeys(source: ByteSource, key: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `expected weights under the key ${quote(key)}, but ${source.path} is no torch file, which alone ` +
      'has keys; leave out --state-dict',
  );
}

/** Whether a file is JSON and not safetensors, whose header length has zero bytes, unlike text. */
function looksLikeJson(magic: string): boolean {
  return /^\s*\{/.test(magic) && !magic.slice(0, 16).includes('\0');
}

function refuseKnownOthers(source: ByteSource, magic: string): void {
  if (magic.startsWith('version https://')) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_FORMAT',
      `${source.path} is a Git LFS pointer, not the file itself; run \`git lfs pull\``,
    );
  }
  if (magic.startsWith('ustar', TAR_MAGIC_AT)) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `${source.path} is a tar archive, torch's format before version 0.2; load it in Python and ` +
        'torch.save it again',
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
