import { FAMILIES, type Family } from '../checkpoint/layouts/families';
import { ACTIVATIONS } from '../checkpoint/layouts/layout';
import type { VisionConfig } from '../checkpoint/vision-config';
import { ENGINE_KINDS, type EngineKind } from '../engines';
import { isCapability } from '../engines/compute-capability';
import { type EngineRecord, FLAVOURS } from '../engines/engine';
import { LLM2CLIPError } from '../errors';
import { isTooDeep } from '../files/json-depth';
import { CROPS, type Preprocessing, RESAMPLES } from '../image/preprocessing';
import { PARTS, type Part } from '../parts';
import { BUNDLE_PRECISIONS, type BundlePrecision } from '../precision';
import { FieldReader, invalidField, MANIFEST_NAME } from './fields';
import { type Quantisation, requireQuantisation } from './quantisation';
import { requireText, type TextManifest, TOKENIZER_FILE } from './text-manifest';

export { MANIFEST_NAME } from './fields';

/** Newest format version that this library reads. */
const FORMAT_VERSION = 3;

/**
 * Returns the lowest format version that a reader must support for this bundle. A reader of version
 * 1 can only resize the shortest edge (bicubic), crop the centre and scale by 1/255. All other
 * preprocessing needs version 2. An unknown precision needs version 3.
 */
export function formatVersionFor({
  preprocessing,
  precision,
}: Pick<Manifest, 'preprocessing' | 'precision'>): 1 | 2 | 3 {
  if (precision === 'unknown') return 3;
  if (preprocessing === undefined) return 1;
  const { size, resample, mean, std, ...more } = preprocessing;
  return resample === 'bicubic' && Object.keys(more).length === 0 ? 1 : 2;
}

/** Limits that only a damaged manifest exceeds; memory is allocated by these sizes. */
const LARGEST_IMAGE = 4096;
const LARGEST_RESIZE = 65_536;
const LARGEST_BATCH = 1024;
const LARGEST_EMBEDDING = 65_536;

/** Size and digest of one file of a bundle. */
export interface FileDigest {
  bytes: number;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** The content of llm2clip.json; docs/formats.md has an example. */
export interface Manifest {
  formatVersion: number;
  /**
   * Architecture of the vision tower, if there is one. Of an imported engine only the family, the
   * image size and the length of the embedding are known.
   */
  model?: Pick<VisionConfig, 'family' | 'imageSize' | 'embeddingDim'> & Partial<VisionConfig>;
  /** Preprocessing of images; present together with `model`. */
  preprocessing?: Preprocessing;
  /** The text side, if there is one. */
  text?: TextManifest;
  engine: { kind: EngineKind } & EngineRecord;
  /**
   * Precision of the vision tower's weights; without a vision tower, that of the text side. For an
   * imported engine, the coarsest precision in which it multiplies matrices.
   */
  precision: BundlePrecision;
  batch: { max: number };
  /**
   * GPUs that it is built for, e.g. "8.9"; empty for the CPU and if an imported engine does not
   * say.
   */
  computeCapabilities: string[];
  /** Path of each part's engine file in the bundle. */
  parts: Partial<Record<Part, string>>;
  builtBy: { llm2clip: string; platform: string };
  /**
   * The checkpoint that the bundle was made from. If its file has keys, `stateDict` is the key of
   * the weights and `otherStateDicts` lists other keys that hold weights. `preprocessing` names the
   * file that stated it, if there is a vision tower.
   */
  source: {
    layout: string;
    format: string;
    stateDict?: string;
    otherStateDicts?: string[];
    preprocessing?: string;
  } | null;
  /** Number of parameters of all parts; 0 if it is not known. */
  parameters: number;
  /** Calibration result; only for an int8 engine that this project built. */
  quantisation?: Quantisation;
  /** All files of the bundle except the manifest. */
  files: Record<string, FileDigest>;
}

function requireVersion(fields: FieldReader): void {
  const version = fields.integer('formatVersion', 1);
  if (version <= FORMAT_VERSION) return;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected a bundle of format version ${FORMAT_VERSION} or older, found ${version}; ` +
      'update llm2clip, or convert the checkpoint again with `npx llm2clip convert`',
  );
}

/** A manifest of a bundle with a vision tower. */
export type VisionManifest = Manifest & Required<Pick<Manifest, 'model' | 'preprocessing'>>;

/**
 * Asserts that a bundle has a vision tower.
 *
 * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE if it has only the text side
 */
export function requireVision(manifest: Manifest): asserts manifest is VisionManifest {
  if (manifest.parts.vision !== undefined) return;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    'this bundle has no vision tower; convert a checkpoint that holds one',
  );
}

/** Checks the vision tower: its whole architecture, or the few fields of an imported engine. */
function requireModel(fields: FieldReader): void {
  fields.oneOf<Family>('family', FAMILIES);
  fields.integer('imageSize', 1, LARGEST_IMAGE);
  fields.integer('embeddingDim', 1, LARGEST_EMBEDDING);
  for (const key of ['patchSize', 'width', 'layers', 'heads', 'hidden'] as const) {
    if (fields.has(key)) fields.integer(key, 1);
  }
  if (fields.has('activation')) fields.oneOf('activation', ACTIVATIONS);
  if (fields.has('layerNormEps')) fields.positive('layerNormEps');
  if (fields.has('ropeGrid')) fields.integer('ropeGrid');
}

function requirePreprocessing(fields: FieldReader, imageSize: number): void {
  const size = fields.integer('size', 1);
  if (size !== imageSize) throw invalidField(String(imageSize), 'preprocessing.size', size);
  fields.oneOf('resample', RESAMPLES);
  fields.triple('mean');
  const std = fields.triple('std');
  if (std.some((x) => x <= 0)) throw invalidField('positive numbers', 'preprocessing.std', std);
  if (fields.has('resize')) fields.integer('resize', size, LARGEST_RESIZE);
  if (fields.has('squash')) fields.boolean('squash');
  if (fields.has('crop')) fields.oneOf('crop', CROPS);
  if (fields.has('rescale')) fields.positive('rescale');
}

function requireEngine(fields: FieldReader): void {
  const kind = fields.string('kind');
  if (!(ENGINE_KINDS as readonly string[]).includes(kind)) {
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `expected an engine of ${ENGINE_KINDS.join(', ')}, found ${kind}; update llm2clip`,
    );
  }
  fields.oneOf('flavour', FLAVOURS);
  fields.string('version');
  fields.integer('operators');
}

function requireCapabilities(fields: FieldReader): void {
  const wrong = fields.strings('computeCapabilities').find((text) => !isCapability(text));
  if (wrong !== undefined) throw invalidField('e.g. "8.9"', 'computeCapabilities', wrong);
}

function requireOrigin(fields: FieldReader): void {
  fields.child('builtBy').string('llm2clip');
  fields.child('builtBy').string('platform');
  if (fields.isNull('source')) return;
  fields.child('source').string('layout');
  fields.child('source').string('format');
  if (fields.child('source').has('preprocessing')) fields.child('source').string('preprocessing');
}

/** Refuses names that lead outside the bundle: absolute paths, `..` and empty parts. */
function requireInside(name: string): void {
  const parts = name.split('/');
  const outside = parts.some((part) => part === '' || part === '.' || part === '..');
  if (outside || name.includes('\\') || name.includes('\0')) {
    throw invalidField('a path inside the bundle', 'files', name);
  }
}

function requireFiles(fields: FieldReader, expected: readonly string[]): void {
  const entries = fields.entries();
  for (const [name, entry] of entries) {
    requireInside(name);
    entry.integer('bytes');
    const sha256 = entry.string('sha256');
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw invalidField('a sha256', `files.${name}`, sha256);
  }
  const missing = expected.find((file) => !entries.some(([name]) => name === file));
  if (missing !== undefined) throw invalidField(missing, 'files', 'none such');
}

/** Checks that each part has an engine file and a description. Returns the files. */
function requireParts(fields: FieldReader): string[] {
  const parts = fields.child('parts');
  const present = PARTS.filter((part) => parts.has(part));
  if (present.length === 0) throw invalidField(PARTS.join(' or '), 'parts', {});
  if (present.includes('vision')) {
    requireModel(fields.child('model'));
    requirePreprocessing(fields.child('preprocessing'), fields.child('model').integer('imageSize'));
  } else {
    // Readers treat the presence of these fields as the presence of a vision tower.
    for (const key of ['model', 'preprocessing']) fields.requireAbsent(key);
  }
  requireText(fields, present);
  const engines = present.map((part) => parts.string(part));
  return present.includes('llm') ? [...engines, TOKENIZER_FILE] : engines;
}

/**
 * Reads and checks a manifest.
 *
 * @throws LLM2CLIPError ERR_BUNDLE_INVALID, which names the field; ERR_ENGINE_INCOMPATIBLE for a
 *   bundle of a later version of this project
 */
export function parseManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `${MANIFEST_NAME} is not JSON`, { cause });
  }
  if (isTooDeep(json)) {
    throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `${MANIFEST_NAME} is nested too deep`);
  }
  const fields = new FieldReader(json, '');
  requireVersion(fields);
  const files = requireParts(fields);
  requireEngine(fields.child('engine'));
  fields.oneOf('precision', BUNDLE_PRECISIONS);
  fields.child('batch').integer('max', 1, LARGEST_BATCH);
  requireCapabilities(fields);
  requireOrigin(fields);
  fields.integer('parameters');
  requireQuantisation(fields);
  requireFiles(fields.child('files'), files);
  return json as Manifest;
}
