import { engineOf } from '../engines';
import type { Part } from '../parts';
import type { Manifest } from './manifest';

/** The fields of a manifest that Triton's description depends on. */
type Described = Pick<Manifest, 'model' | 'text' | 'batch' | 'engine' | 'precision'>;

/** A tensor in Triton's description: its name, its type, and its shape without the batch. */
interface Tensor {
  name: string;
  type: 'TYPE_FP32' | 'TYPE_INT64';
  dims: readonly number[];
}

function texts(names: readonly string[]): Tensor[] {
  return names.map((name) => ({ name, type: 'TYPE_INT64', dims: [-1] }));
}

/** Returns the inputs and outputs of a part, or undefined if its inputs have no batch dimension. */
function tensorsOf(
  part: Part,
  { model, text }: Described,
  textsInRows: boolean,
): { inputs: Tensor[]; output: number } | undefined {
  if (part === 'vision' && model !== undefined) {
    const { imageSize, embeddingDim } = model;
    const pixels: Tensor = {
      name: 'pixel_values',
      type: 'TYPE_FP32',
      dims: [3, imageSize, imageSize],
    };
    return { inputs: [pixels], output: embeddingDim };
  }
  if (part === 'adapter' && text?.adapter !== undefined) {
    const { width, embeddingDim } = text.adapter.model;
    return {
      inputs: [{ name: 'text_features', type: 'TYPE_FP32', dims: [width] }],
      output: embeddingDim,
    };
  }
  if (text?.llm === undefined || !textsInRows) return undefined;
  const inputs = texts(['input_ids', 'attention_mask', 'pool_mask']);
  return { inputs, output: text.llm.model.width };
}

/**
 * Writes Triton Inference Server's description of a part (config.pbtxt). Returns undefined if
 * Triton cannot serve the part.
 */
export function tritonConfig(part: Part, bundle: Described): string | undefined {
  const { kind, flavour } = bundle.engine;
  const names = engineOf(kind).triton(flavour, bundle.precision);
  if (names === undefined) return undefined;
  const tensors = tensorsOf(part, bundle, names.textsInRows);
  if (tensors === undefined) return undefined;
  const { platform, input, output, remark } = names;
  const inputs = tensors.inputs.map(
    ({ name, type, dims }, i) =>
      `  { name: "${input(name, i)}" data_type: ${type} dims: [ ${dims.join(', ')} ] }`,
  );
  return `${remark}name: "${part}"
platform: "${platform}"
max_batch_size: ${bundle.batch.max}
input [
${inputs.join(',\n')}
]
output [
  { name: "${output}" data_type: TYPE_FP32 dims: [ ${tensors.output} ] }
]
instance_group [ { kind: KIND_AUTO } ]
dynamic_batching { }
`;
}
