import { isObject } from '../arguments';
import { FAMILIES, type Family, type VisionConfig } from '../config';
import { ENGINES, type EngineKind } from '../engine';
import { LLM2CLIPError } from '../errors';
import type { Preprocessing } from '../preprocessing';

export const MANIFEST_NAME = 'llm2clip.json';
export const FORMAT_VERSION = 1;

export const FLAVOURS = ['native', 'portable', 'imported'] as const;
export type Flavour = (typeof FLAVOURS)[number];

export const STORED_PRECISIONS = ['fp32', 'bf16', 'fp16', 'int8'] as const;
export type StoredPrecision = (typeof STORED_PRECISIONS)[number];

/** Size and digest of one file of a bundle. */
export interface FileDigest {
  bytes: number;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** What llm2clip.json says of a bundle; docs/formats.md has a literal example. */
export interface Manifest {
  formatVersion: number;
  /** The whole architecture; of an imported engine only what it shows to the outside. */
  model: Pick<VisionConfig, 'family' | 'imageSize' | 'embeddingDim'> & Partial<VisionConfig>;
  preprocessing: Preprocessing;
  engine: {
    kind: EngineKind;
    flavour: Flavour;
    /** Of the vendor's library that built it. */
    version: string;
    /** Version of this project's own operators in it; 0 for none. */
    operators: number;
  };
  precision: StoredPrecision;
  batch: { max: number };
  /** GPUs it is built for; empty for the CPU. */
  computeCapabilities: string[];
  /** Engine file of each part, a path in the bundle. */
  parts: { vision: string };
  builtBy: { llm2clip: string; platform: string };
  source: { layout: string; format: string } | null;
  /** Numbers learned; 0 where it is not known. */
  parameters: number;
  /** Every other file of the bundle. */
  files: Record<string, FileDigest>;
}

type Fields = Record<string, unknown>;

class Reader {
  readonly #fields: Fields;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (!isObject(value) || Array.isArray(value)) throw invalid('an object', path, value);
    this.#fields = value;
    this.#path = path;
  }

  #at(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }

  child(key: string): Reader {
    return new Reader(this.#fields[key], this.#at(key));
  }

  entries(): [string, Reader][] {
    return Object.entries(this.#fields).map(([key, value]) => [
      key,
      new Reader(value, this.#at(key)),
    ]);
  }

  string(key: string): string {
    const value = this.#fields[key];
    if (typeof value !== 'string') throw invalid('a string', this.#at(key), value);
    return value;
  }

  integer(key: string, least = 0): number {
    const value = this.#fields[key];
    if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
    throw invalid(`an integer of at least ${least}`, this.#at(key), value);
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T {
    const value = this.#fields[key];
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw invalid(`one of ${choices.join(', ')}`, this.#at(key), value);
    return found;
  }

  triple(key: string): [number, number, number] {
    const value = this.#fields[key];
    const finite = Array.isArray(value) && value.every((x) => Number.isFinite(x));
    if (!finite || value.length !== 3) throw invalid('three numbers', this.#at(key), value);
    return value as [number, number, number];
  }
}

function invalid(expected: string, path: string, found: unknown): LLM2CLIPError {
  const where = path === '' ? MANIFEST_NAME : `${path} in ${MANIFEST_NAME}`;
  const shown = JSON.stringify(found)?.slice(0, 80) ?? 'nothing';
  return new LLM2CLIPError(
    'ERR_BUNDLE_INVALID',
    `expected ${expected} for ${where}, found ${shown}`,
  );
}

function requireVersion(fields: Reader): void {
  const version = fields.integer('formatVersion', 1);
  if (version <= FORMAT_VERSION) return;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected a bundle of format version ${FORMAT_VERSION} or older, found ${version}; ` +
      'update llm2clip, or convert the checkpoint again with `npx llm2clip convert`',
  );
}

function requirePreprocessing(fields: Reader, imageSize: number): void {
  const size = fields.integer('size', 1);
  if (size !== imageSize) throw invalid(String(imageSize), 'preprocessing.size', size);
  fields.oneOf('resample', ['bicubic'] as const);
  fields.triple('mean');
  if (fields.triple('std').some((x) => x <= 0)) {
    throw invalid('positive numbers', 'preprocessing.std', fields.triple('std'));
  }
}

/** Names that stay inside the bundle: no absolute path, no `..`, no empty part. */
function requireInside(name: string): void {
  const parts = name.split('/');
  const outside = parts.some((part) => part === '' || part === '.' || part === '..');
  if (outside || name.includes('\\') || name.includes('\0')) {
    throw invalid('a path inside the bundle', 'files', name);
  }
}

function requireFiles(fields: Reader, vision: string): void {
  const entries = fields.entries();
  for (const [name, entry] of entries) {
    requireInside(name);
    entry.integer('bytes');
    const sha256 = entry.string('sha256');
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw invalid('a sha256', `files.${name}`, sha256);
  }
  if (!entries.some(([name]) => name === vision)) throw invalid(vision, 'files', 'none such');
}

function requireModel(fields: Reader): void {
  fields.oneOf<Family>('family', FAMILIES);
  fields.integer('imageSize', 1);
  fields.integer('embeddingDim', 1);
}

/**
 * Reads and checks a manifest.
 *
 * @throws LLM2CLIPError ERR_BUNDLE_INVALID naming the field; ERR_ENGINE_INCOMPATIBLE for a bundle of
 *   a later version of this project.
 */
export function parseManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `${MANIFEST_NAME} is not JSON`, { cause });
  }
  const fields = new Reader(json, '');
  requireVersion(fields);
  requireModel(fields.child('model'));
  requirePreprocessing(fields.child('preprocessing'), fields.child('model').integer('imageSize'));
  const engine = fields.child('engine');
  engine.oneOf('kind', ENGINES);
  engine.oneOf('flavour', FLAVOURS);
  engine.string('version');
  engine.integer('operators');
  fields.oneOf('precision', STORED_PRECISIONS);
  fields.child('batch').integer('max', 1);
  fields.child('builtBy').string('llm2clip');
  fields.integer('parameters');
  requireFiles(fields.child('files'), fields.child('parts').string('vision'));
  return json as Manifest;
}
