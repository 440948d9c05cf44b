import type { Part } from '../parts';
import type { Manifest } from './manifest';

/** What of a bundle Triton is told. */
type Described = Pick<Manifest, 'model' | 'text' | 'batch' | 'engine' | 'precision'>;

/** A tensor of Triton's: its name, numpy-like type, and shape without the batch. */
interface Tensor {
  name: string;
  type: 'TYPE_FP32' | 'TYPE_INT64';
  dims: readonly number[];
}

/** Why Triton may not serve this file as it lies. */
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

/** What goes into a part and comes out of it; undefined where it has no inputs of one batch. */
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
  // The native flavour takes texts one after the other, without rows that Triton could batch.
  const inRows = engine.kind === 'tensorrt' || engine.flavour === 'portable';
  if (text?.llm === undefined || !inRows) return undefined;
  const inputs = texts(['input_ids', 'attention_mask', 'pool_mask']);
  return { inputs, output: text.llm.model.width };
}

/**
 * How Triton knows what goes in and comes out. Its PyTorch backend takes an input by the name of
 * forward's argument, which an imported file may have called anything, or by its number; an output by
 * its number alone. Its TensorRT backend takes both by the names in the plan.
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
 * Triton Inference Server's own description of a part (config.pbtxt); undefined where Triton can't
 * serve it.
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
