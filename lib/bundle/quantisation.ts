import { type FieldReader, invalidField } from './fields';

const LAYER_PRECISIONS = ['int8', 'bf16'] as const;

/** The result of a calibration, with the precision of each linear layer. */
export interface Quantisation {
  /** Number of calibration images; every cosine below is measured on them. */
  pictures: number;
  /** Required minimum of the cosine between int8 and fp32 embeddings. */
  gate: number;
  /** Lowest cosine over the images if every layer is in int8. */
  allInt8MinCosine: number;
  /** Lowest cosine of this engine over the images; below `gate` only with --force. */
  minCosine: number;
  /** Layers in the order of the network. Linear layers that are not listed stay in bf16. */
  layers: LayerRecord[];
}

export interface LayerRecord {
  /** Canonical name of the weight; for packed weights, that of the first. */
  name: string;
  precision: (typeof LAYER_PRECISIONS)[number];
  /** Cosine between the layer's output in int8 and in fp32. */
  cosine: number;
}

/**
 * Checks the quantisation in a manifest. A native int8 engine must have it, and no other engine
 * may.
 *
 * @param manifest Reader of the whole manifest.
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
