import { type FieldReader, invalidField } from './fields';

const LAYER_PRECISIONS = ['int8', 'bf16'] as const;

/** What calibration found, and what became of each linear layer. */
export interface Quantisation {
  /** Pictures it was calibrated on, which every cosine below is of. */
  pictures: number;
  /** Least cosine of embeddings to fp32 that was asked for. */
  gate: number;
  /** Least cosine over the pictures, with every layer in int8. */
  allInt8MinCosine: number;
  /** Of this engine; below `gate` where the conversion was forced. */
  minCosine: number;
  /** In the order of the network; linear layers that are not named stay in bf16. */
  layers: LayerRecord[];
}

export interface LayerRecord {
  /** Canonical name of its weight; of packed ones, of the first. */
  name: string;
  precision: (typeof LAYER_PRECISIONS)[number];
  /** Of its output in int8 to that in fp32. */
  cosine: number;
}

/**
 * Checks what a manifest says of quantisation: of a native int8 engine all of it, of another nothing.
 *
 * @param manifest All of its fields.
 * @throws LLM2CLIPError ERR_BUNDLE_INVALID naming the field
 */
export function requireQuantisation(manifest: FieldReader): void {
  const kind = `${manifest.child('engine').string('flavour')} ${manifest.string('precision')}`;
  if (kind !== 'native int8') {
    if (!manifest.has('quantisation')) return;
    throw invalidField('nothing', 'quantisation', `that of a ${kind} engine`);
  }
  const fields = manifest.child('quantisation');
  fields.integer('pictures', 1);
  for (const key of ['gate', 'allInt8MinCosine', 'minCosine'] as const) fields.cosine(key);
  for (const layer of fields.list('layers')) {
    layer.string('name');
    layer.oneOf('precision', LAYER_PRECISIONS);
    layer.cosine('cosine');
  }
}
