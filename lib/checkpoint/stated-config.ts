import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { Activation } from './layouts/layout';
import { type Section, sectionOf } from './section';
import type { StatedFile } from './table';

/** A number in a configuration, with its key for messages. */
export interface Stated {
  key: string;
  value: number;
}

/** The vision tower in a configuration. Fields that it does not state are undefined. */
export interface StatedConfig {
  width?: Stated;
  layers?: Stated;
  heads?: Stated;
  headDim?: Stated;
  hidden?: Stated;
  mlpRatio?: Stated;
  patchSize?: Stated;
  imageSize?: Stated;
  layerNormEps?: Stated;
  ropeGrid?: Stated;
  activation?: Activation;
  /**
   * Candidates from several fields, for the tower or for the whole model. One of them must be
   * right.
   */
  embeddingDims: Stated[];
}

type NumberField = Exclude<keyof StatedConfig, 'activation' | 'embeddingDims'>;

/** Keys of the vision section: those of Hugging Face, then those of open_clip and EVA-CLIP. */
const VISION_KEYS: readonly [NumberField, string][] = [
  ['width', 'hidden_size'],
  ['width', 'width'],
  ['layers', 'num_hidden_layers'],
  ['layers', 'layers'],
  ['heads', 'num_attention_heads'],
  ['headDim', 'head_width'],
  ['hidden', 'intermediate_size'],
  ['mlpRatio', 'mlp_ratio'],
  ['patchSize', 'patch_size'],
  ['imageSize', 'image_size'],
  ['layerNormEps', 'layer_norm_eps'],
  ['ropeGrid', 'pt_hw_seq_len'],
];
const FRACTIONS: readonly NumberField[] = ['mlpRatio', 'layerNormEps'];

const ACTIVATION_NAMES: Readonly<Record<string, Activation>> = {
  quick_gelu: 'quick_gelu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  silu: 'swiglu',
  swiglu: 'swiglu',
};

/**
 * Reads the configuration of a tower from the first of these files that has one: a Hugging Face
 * `config.json`, or an open_clip-style `{embed_dim, vision_cfg}`, which may be under `model_cfg`.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT for a field of the wrong type,
 *   ERR_CHECKPOINT_UNSUPPORTED for an activation that is not known
 */
export function readStatedConfig(files: readonly StatedFile[]): StatedConfig {
  const all = files
    .filter(({ about }) => about === 'model')
    .map(({ content }) => readConfig(content));
  return all.find(saysAnything) ?? { embeddingDims: [] };
}

function saysAnything({ embeddingDims, ...others }: StatedConfig): boolean {
  return embeddingDims.length > 0 || Object.keys(others).length > 0;
}

function readConfig(config: Section): StatedConfig {
  const stated: StatedConfig = { embeddingDims: [] };
  const root = sectionOf(config.model_cfg) ?? config;
  const vision = sectionOf(root.vision_config) ?? sectionOf(root.vision_cfg) ?? visionOnly(root);
  for (const [field, key] of VISION_KEYS) {
    const value = readNumber(vision, key, FRACTIONS.includes(field));
    if (value !== undefined) stated[field] ??= value;
  }
  stated.embeddingDims = [
    readNumber(root, 'embed_dim'),
    readNumber(root, 'projection_dim'),
    readNumber(vision, 'projection_dim'),
  ].filter((value) => value !== undefined);
  const activation = readActivation(root, vision);
  if (activation !== undefined) stated.activation = activation;
  return stated;
}

/**
 * Returns the section of the vision tower. A configuration of only the tower has its fields at the
 * top.
 */
function visionOnly(root: Section): Section {
  return 'patch_size' in root ? root : {};
}

/** Reads a number. A pair of equal sizes is read as one. */
function readNumber(from: Section, key: string, fraction = false): Stated | undefined {
  const found = from[key];
  if (found === undefined || found === null) return undefined;
  const values: unknown[] = Array.isArray(found) && found.length > 0 ? found : [found];
  const [value] = values;
  const valid = typeof value === 'number' && value > 0 && (fraction || Number.isSafeInteger(value));
  if (valid && values.every((other) => other === value)) return { key, value };
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `the configuration says ${quote(key)} is ${quote(JSON.stringify(found))}; ` +
      `expected a positive ${fraction ? 'number' : 'integer'}`,
  );
}

function readActivation(root: Section, vision: Section): Activation | undefined {
  const name = vision.hidden_act;
  if (typeof name === 'string') {
    const known = Object.hasOwn(ACTIVATION_NAMES, name) ? ACTIVATION_NAMES[name] : undefined;
    if (known !== undefined) return known;
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `the configuration says "hidden_act" is ${quote(name)}; ` +
        `expected one of ${Object.keys(ACTIVATION_NAMES).join(', ')}`,
    );
  }
  if (typeof root.quick_gelu !== 'boolean') return undefined;
  return root.quick_gelu ? 'quick_gelu' : 'gelu';
}
