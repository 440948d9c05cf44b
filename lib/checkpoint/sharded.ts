import { basename, dirname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { type ByteSource, withFile } from './byte-source';
import { isJsonObject, type JsonObject, parseJson } from './json';
import { MAX_HEADER_BYTES, MAX_TENSORS } from './limits';
import type { ParsedFile } from './state-dict';
import { ALL_OF_IT, type TensorEntry } from './table';

const SHARD_NAME = /^[^/\\\0]+\.(safetensors|bin|pt|pth)$/;

/**
 * Reads a `*.safetensors.index.json` or `*.bin.index.json` and the tables of all its shards, which
 * must be in the same folder. Each tensor must be in the shard that the index names, and in no
 * other shard.
 *
 * @param parse reads one shard
 * @throws LLM2CLIPError as `parse`; ERR_CHECKPOINT_FORMAT, ERR_NOT_FOUND for a missing shard
 */
export function parseSharded(
  index: ByteSource,
  parse: (shard: ByteSource) => ParsedFile,
): ParsedFile {
  const weightMap = readWeightMap(index);
  const found = new Map<string, TensorEntry>();
  let format: ParsedFile['format'] = 'safetensors';
  for (const shard of new Set(weightMap.values())) {
    const parsed = readShard(index, shard, parse);
    format = parsed.format;
    for (const entry of parsed.tensors) {
      const name = quote(entry.name);
      if (found.has(entry.name)) throw malformed(index, `tensor ${name} is in two shards`);
      found.set(entry.name, entry);
      if (found.size > MAX_TENSORS) throw malformed(index, `more than ${MAX_TENSORS} tensors`);
    }
  }
  for (const [name, shard] of weightMap) {
    const file = found.get(name)?.file;
    if (file === undefined || basename(file) !== shard) {
      throw malformed(index, `tensor ${quote(name)} is not in ${quote(shard)}, where it is listed`);
    }
  }
  return { format, tensors: [...found.values()], stateDict: ALL_OF_IT };
}

/** Reads the map from tensor names to file names of shards. */
function readWeightMap(index: ByteSource): Map<string, string> {
  if (index.size > MAX_HEADER_BYTES) {
    throw malformed(index, `larger than ${MAX_HEADER_BYTES} bytes`);
  }
  const limits = { maxKeys: MAX_TENSORS, maxValues: 2 * MAX_TENSORS };
  const json = parseJson(index.read(0, index.size), index.path, limits);
  const weightMap = isJsonObject(json) ? json.weight_map : undefined;
  if (!isJsonObject(weightMap)) throw malformed(index, 'it has no "weight_map" object');
  return new Map(Object.keys(weightMap).map((name) => [name, shardName(index, weightMap, name)]));
}

/** Returns a shard's file name. It must not contain a path, so that it stays inside the folder. */
function shardName(index: ByteSource, weightMap: JsonObject, name: string): string {
  const shard = weightMap[name];
  if (typeof shard === 'string' && SHARD_NAME.test(shard)) return shard;
  throw malformed(
    index,
    `tensor ${quote(name)} is listed in ${quote(JSON.stringify(shard))}; ` +
      'expected the name of a .safetensors or .bin file in the same folder',
  );
}

function readShard(
  index: ByteSource,
  shard: string,
  parse: (shard: ByteSource) => ParsedFile,
): ParsedFile {
  const path = join(dirname(index.path), shard);
  try {
    return withFile(path, parse);
  } catch (cause) {
    if (!(cause instanceof LLM2CLIPError) || cause.code !== 'ERR_NOT_FOUND') throw cause;
    const listed = `${index.path} lists the shard ${quote(shard)}, which does not exist`;
    throw new LLM2CLIPError('ERR_NOT_FOUND', `${listed}; download it again`, { cause });
  }
}

function malformed(index: ByteSource, problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${index.path} is not a valid index of a sharded checkpoint: ${problem}`,
  );
}
