import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { ByteSource } from './byte-source';
import { DTYPE_BYTES, type Dtype, SAFETENSORS_DTYPES } from './dtype';
import { elementCount, rowMajorStrides } from './extent';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from './json';
import { MAX_HEADER_BYTES, MAX_RANK, MAX_TENSORS } from './limits';
import type { TensorEntry } from './table';

const LENGTH_BYTES = 8;
const METADATA = '__metadata__';
/** Number of JSON values that describe a tensor of {@link MAX_RANK} dimensions. */
const VALUES_PER_TENSOR = 6 + MAX_RANK;

/** Range of a tensor's bytes, from the beginning of the data. */
interface Placed {
  entry: TensorEntry;
  begin: number;
  end: number;
}

/**
 * Reads the header of a safetensors file, but not the data.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT for anything that the format forbids,
 *   ERR_CHECKPOINT_UNSUPPORTED for an unknown element type
 */
export function parseSafetensors(source: ByteSource): TensorEntry[] {
  const headerBytes = headerLength(source);
  const dataStart = LENGTH_BYTES + headerBytes;
  const header = parseJson(source.read(LENGTH_BYTES, headerBytes), `header of ${source.path}`, {
    maxKeys: MAX_TENSORS + 1,
    maxValues: MAX_TENSORS * VALUES_PER_TENSOR,
  });
  if (!isJsonObject(header)) throw malformed(source, 'its header is not a JSON object');
  checkMetadata(source, header[METADATA]);
  const placed = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => placedTensor(source, name, value, dataStart));
  checkCoverage(source, placed, source.size - dataStart);
  return placed.map(({ entry }) => entry);
}

function headerLength(source: ByteSource): number {
  if (source.size < LENGTH_BYTES) {
    throw malformed(source, `expected at least ${LENGTH_BYTES} bytes, found ${source.size}`);
  }
  const length = source.read(0, LENGTH_BYTES).readBigUInt64LE();
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw malformed(source, `its header claims ${length} bytes, more than ${MAX_HEADER_BYTES}`);
  }
  if (LENGTH_BYTES + Number(length) > source.size) {
    throw malformed(source, `its header claims ${length} bytes, the file has ${source.size}`);
  }
  return Number(length);
}

function checkMetadata(source: ByteSource, metadata: JsonValue | undefined): void {
  if (metadata === undefined || metadata === null) return;
  if (!isJsonObject(metadata) || Object.values(metadata).some((v) => typeof v !== 'string')) {
    throw malformed(source, `${METADATA} is not an object of strings`);
  }
}

function placedTensor(source: ByteSource, name: string, value: JsonValue, start: number): Placed {
  const wrong = (problem: string) => malformed(source, `tensor ${quote(name)} ${problem}`);
  if (!isJsonObject(value)) throw wrong('is not described by an object');
  const dtype = parseDtype(source, name, value);
  const shape = sizes(value.shape);
  if (shape === undefined || shape.length > MAX_RANK) {
    throw wrong(`needs a shape of at most ${MAX_RANK} sizes, found ${show(value.shape)}`);
  }
  const elements = elementCount(shape);
  const count = elements && elements * DTYPE_BYTES[dtype];
  if (count === undefined || count > Number.MAX_SAFE_INTEGER) {
    throw wrong(`has a shape too large to count: [${shape}]`);
  }
  const [begin, end, ...more] = sizes(value.data_offsets) ?? [];
  if (begin === undefined || end === undefined || more.length > 0 || end < begin) {
    throw wrong(`needs data_offsets [begin, end], found ${show(value.data_offsets)}`);
  }
  if (end - begin !== count) {
    throw wrong(`of shape [${shape}] needs ${count} bytes, its data_offsets span ${end - begin}`);
  }
  const strides = rowMajorStrides(shape);
  const offset = start + begin;
  return { begin, end, entry: { name, dtype, shape, strides, file: source.path, offset } };
}

function parseDtype(source: ByteSource, name: string, { dtype }: JsonObject): Dtype {
  const known = SAFETENSORS_DTYPES.find((candidate) => candidate.toUpperCase() === dtype);
  if (known !== undefined) return known;
  if (typeof dtype !== 'string') throw malformed(source, `tensor ${quote(name)} has no dtype`);
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `tensor ${quote(name)} in ${source.path} has dtype ${quote(dtype)}; ` +
      `expected one of ${SAFETENSORS_DTYPES.map((d) => d.toUpperCase()).join(', ')}`,
  );
}

/** Returns an array of exact, non-negative integers, or undefined for anything else. */
function sizes(value: JsonValue | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const isSize = (v: JsonValue): v is number => Number.isSafeInteger(v) && Number(v) >= 0;
  return value.every(isSize) ? value : undefined;
}

/** Checks that the tensors cover the data without gaps or overlaps, as the format demands. */
function checkCoverage(source: ByteSource, placed: Placed[], dataBytes: number): void {
  let covered = 0;
  let previous = 'the header';
  for (const { entry, begin, end } of placed.toSorted(
    (a, b) => a.begin - b.begin || a.end - b.end,
  )) {
    const name = `tensor ${quote(entry.name)}`;
    if (begin < covered) throw malformed(source, `${name} overlaps ${previous}`);
    if (begin > covered) {
      throw malformed(source, `${begin - covered} unused bytes between ${previous} and ${name}`);
    }
    if (end > dataBytes) {
      throw malformed(source, `${name} ends at byte ${end} of ${dataBytes}: the file is truncated`);
    }
    covered = end;
    previous = name;
  }
  if (covered < dataBytes) {
    throw malformed(source, `${dataBytes - covered} trailing bytes after ${previous}`);
  }
}

function show(value: JsonValue | undefined): string {
  return value === undefined ? 'none' : quote(JSON.stringify(value).slice(0, 100));
}

function malformed(source: ByteSource, problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${source.path} is not a valid safetensors file: ${problem}`,
  );
}
