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

/** Returns a remark for files that Triton cannot serve without further steps, else ''. */
function remark({ engine, precision }: Described): string {
  if (engine.flavour !== 'native' || engine.kind !== 'torchscript') return '';
  const other = precision === 'int8' ? 'bf16 and --portable' : '--portable';
  return (
    "# Holds llm2clip's own operators: start Triton with LD_PRELOAD=llm2clip_torchscript.so, or\n" +
    `# convert with ${other}.\n`
  );
}

function texts(names: readonly string[]): Tensor[] {
  return names.map((name) => ({ name, type: 'TYPE_INT64', dims: [-1] }));
}

/** Returns the inputs and outputs of a part, or undefined if its inputs have no batch dimension. */
function tensorsOf(
  part: Part,
  { model, text, engine }: Described,
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
  // The native flavour takes concatenated texts, without a batch dimension for Triton.
  const inRows = engine.kind === 'tensorrt' || engine.flavour === 'portable';
  if (text?.llm === undefined || !inRows) return undefined;
  const inputs = texts(['input_ids', 'attention_mask', 'pool_mask']);
  return { inputs, output: text.llm.model.width };
}

/**
 * Returns how Triton names inputs and outputs. Its PyTorch backend identifies an input by the name
 * of forward's argument or by its number, and an output by its number. An imported file may use any
 * names, so its inputs go by number. The TensorRT backend uses the names in the plan.
 */
function namesOf({ kind, flavour }: Described['engine']) {
  if (kind === 'tensorrt') {
    return { platform: 'tensorrt_plan', input: (name: string) => name, output: 'embedding' };
  }
  return {
    platform: 'pytorch_libtorch',
    input: (name: string, i: number) => (flavour === 'imported' ? `${name}__${i}` : name),
    output: 'embedding__0',
  };
}

/**
 * Writes Triton Inference Server's description of a part (config.pbtxt). Returns undefined if
 * Triton cannot serve the part.
 */
export function tritonConfig(part: Part, bundle: Described): string | undefined {
  if (bundle.engine.kind === 'tensorrt-rtx') return undefined;
  const tensors = tensorsOf(part, bundle);
  if (tensors === undefined) return undefined;
  const { platform, input, output } = namesOf(bundle.engine);
  const inputs = tensors.inputs.map(
    ({ name, type, dims }, i) =>
      `  { name: "${input(name, i)}" data_type: ${type} dims: [ ${dims.join(', ')} ] }`,
  );
  return `${remark(bundle)}name: "${part}"
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
