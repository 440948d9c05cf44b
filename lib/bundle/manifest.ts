import { ACTIVATIONS, FAMILIES, type Family, type VisionConfig } from '../checkpoint/vision-config';
import { ENGINES, type EngineKind } from '../engines';
import { isCapability } from '../engines/compute-capability';
import { LLM2CLIPError } from '../errors';
import { isTooDeep } from '../files/json-depth';
import { CROPS, type Preprocessing, RESAMPLES } from '../image/preprocessing';
import { PARTS, type Part } from '../parts';
import { PRECISIONS, type Precision } from '../precision';
import { FieldReader, invalidField, MANIFEST_NAME } from './fields';
import { type Quantisation, requireQuantisation } from './quantisation';
import { requireText, type TextManifest, TOKENIZER_FILE } from './text-manifest';

export { MANIFEST_NAME } from './fields';

/** The newest that is read. */
const FORMAT_VERSION = 2;

/**
 * What a reader must know to use a bundle rightly: 2 where its preprocessing goes beyond the shortest
 * edge, bicubic, a centre crop and 1/255, which is all that a reader of version 1 does.
 */
export function formatVersionFor({ preprocessing }: Pick<Manifest, 'preprocessing'>): 1 | 2 {
  if (preprocessing === undefined) return 1;
  const { size, resample, mean, std, ...more } = preprocessing;
  return resample === 'bicubic' && Object.keys(more).length === 0 ? 1 : 2;
}

/** Beyond these a manifest is damaged, not large: memory is laid out by them. */
const LARGEST_IMAGE = 4096;
const LARGEST_RESIZE = 65_536;
const LARGEST_BATCH = 1024;
const LARGEST_EMBEDDING = 65_536;

const FLAVOURS = ['native', 'portable', 'imported'] as const;
export type Flavour = (typeof FLAVOURS)[number];

/** Size and digest of one file of a bundle. */
export interface FileDigest {
  bytes: number;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** What llm2clip.json says of a bundle; docs/formats.md has a literal example. */
export interface Manifest {
  formatVersion: number;
  /**
   * The vision tower, where there is one: the whole architecture; of an imported engine only what it
   * shows to the outside.
   */
  model?: Pick<VisionConfig, 'family' | 'imageSize' | 'embeddingDim'> & Partial<VisionConfig>;
  /** Of pictures; there with `model`. */
  preprocessing?: Preprocessing;
  /** The text side, where there is one. */
  text?: TextManifest;
  engine: {
    kind: EngineKind;
    flavour: Flavour;
    /** Of the vendor's library that built it. */
    version: string;
    /** Version of this project's own operators in it; 0 for none, as in every TensorRT engine. */
    operators: number;
  };
  /** Of the vision tower's weights, or where there is none, of the text side's. */
  precision: Precision;
  batch: { max: number };
  /** GPUs it is built for, e.g. "8.9"; empty for the CPU, and where an imported engine does not say. */
  computeCapabilities: string[];
  /** Engine file of each part, a path in the bundle. */
  parts: Partial<Record<Part, string>>;
  builtBy: { llm2clip: string; platform: string };
  /**
   * Of what it was made. `stateDict`: the key of the file under which the weights were, and
   * `otherStateDicts`, other keys that hold some, where there are keys. `preprocessing`: which file said it,
   * where there are pictures.
   */
  source: {
    layout: string;
    format: string;
    stateDict?: string;
    otherStateDicts?: string[];
    preprocessing?: string;
  } | null;
  /** Numbers learned, of all parts; 0 where it is not known. */
  parameters: number;
  /** How an int8 engine of this project's own was quantised; of no other. */
  quantisation?: Quantisation;
  /** Every other file of the bundle. */
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

/** @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE for a bundle of the text side alone */
export function requireVision(manifest: Manifest): asserts manifest is VisionManifest {
  if (manifest.parts.vision !== undefined) return;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    'this bundle has no vision tower; convert a checkpoint that holds one',
  );
}

/** The whole tower, or of an imported engine only what it shows to the outside. */
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
  if (!(ENGINES as readonly string[]).includes(kind)) {
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `expected an engine of ${ENGINES.join(', ')}, found ${kind}; update llm2clip`,
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

/** Names that stay inside the bundle: no absolute path, no `..`, no empty part. */
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

/** Files of the parts that there are, each said what it is. */
function requireParts(fields: FieldReader): string[] {
  const parts = fields.child('parts');
  const present = PARTS.filter((part) => parts.has(part));
  if (present.length === 0) throw invalidField(PARTS.join(' or '), 'parts', {});
  if (present.includes('vision')) {
    requireModel(fields.child('model'));
    requirePreprocessing(fields.child('preprocessing'), fields.child('model').integer('imageSize'));
  } else {
    // Whoever reads it asks whether it is there.
    for (const key of ['model', 'preprocessing']) fields.requireAbsent(key);
  }
  requireText(fields, present);
  const engines = present.map((part) => parts.string(part));
  return present.includes('llm') ? [...engines, TOKENIZER_FILE] : engines;
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
  if (isTooDeep(json)) {
    throw new LLM2CLIPError('ERR_BUNDLE_INVALID', `${MANIFEST_NAME} is nested too deep`);
  }
  const fields = new FieldReader(json, '');
  requireVersion(fields);
  const files = requireParts(fields);
  requireEngine(fields.child('engine'));
  fields.oneOf('precision', PRECISIONS);
  fields.child('batch').integer('max', 1, LARGEST_BATCH);
  requireCapabilities(fields);
  requireOrigin(fields);
  fields.integer('parameters');
  requireQuantisation(fields);
  requireFiles(fields.child('files'), files);
  return json as Manifest;
}
