import type { Manifest } from './manifest';

/** What of a bundle Triton is told. */
type Described = Pick<Manifest, 'model' | 'batch' | 'engine' | 'precision'>;

/** Why Triton may not serve this file as it lies. */
function remark({ engine, precision }: Described): string {
  if (engine.flavour !== 'native' || engine.kind !== 'torchscript') return '';
  const other = precision === 'int8' ? 'bf16 and --portable' : '--portable';
  return (
    "# Holds llm2clip's own operators: start Triton with LD_PRELOAD=llm2clip_torchscript.so, or\n" +
    `# convert with ${other}.\n`
  );
}

/**
 * How Triton knows what goes in and comes out. Its PyTorch backend takes an input by the name of
 * forward's argument, which an imported file may have called anything, or by its number; an output by
 * its number alone. Its TensorRT backend takes both by the names in the plan.
 */
function namesOf({ kind, flavour }: Described['engine']) {
  if (kind === 'tensorrt') {
    return { platform: 'tensorrt_plan', input: 'pixel_values', output: 'embedding' };
  }
  const input = flavour === 'imported' ? 'pixel_values__0' : 'pixel_values';
  return { platform: 'pytorch_libtorch', input, output: 'embedding__0' };
}

/**
 * Triton Inference Server's own description of the vision tower (config.pbtxt); undefined for an
 * engine that Triton has no backend for.
 */
export function tritonConfig(bundle: Described): string | undefined {
  if (bundle.engine.kind === 'tensorrt-rtx') return undefined;
  const { imageSize, embeddingDim } = bundle.model;
  const { platform, input, output } = namesOf(bundle.engine);
  return `${remark(bundle)}name: "vision"
platform: "${platform}"
max_batch_size: ${bundle.batch.max}
input [
  { name: "${input}" data_type: TYPE_FP32 dims: [ 3, ${imageSize}, ${imageSize} ] }
]
output [
  { name: "${output}" data_type: TYPE_FP32 dims: [ ${embeddingDim} ] }
]
instance_group [ { kind: KIND_AUTO } ]
dynamic_batching { }
`;
}
