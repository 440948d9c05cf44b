import type { Manifest } from './manifest';

/** What of a bundle Triton is told. */
type Described = Pick<Manifest, 'model' | 'batch' | 'engine' | 'precision'>;

/** Why Triton may not serve this file as it lies. */
function remark({ engine, precision }: Described): string {
  if (engine.flavour !== 'native') return '';
  const other = precision === 'int8' ? 'bf16 and --portable' : '--portable';
  return (
    "# Holds llm2clip's own operators: start Triton with LD_PRELOAD=llm2clip_torchscript.so, or\n" +
    `# convert with ${other}.\n`
  );
}

/**
 * Triton Inference Server's own description of the vision tower (config.pbtxt). Its PyTorch backend
 * takes an input by the name of forward's argument, which an imported file may have called anything,
 * or by its number; an output by its number alone.
 */
export function tritonConfig(bundle: Described): string {
  const { imageSize, embeddingDim } = bundle.model;
  const input = bundle.engine.flavour === 'imported' ? 'pixel_values__0' : 'pixel_values';
  return `${remark(bundle)}name: "vision"
platform: "pytorch_libtorch"
max_batch_size: ${bundle.batch.max}
input [
  { name: "${input}" data_type: TYPE_FP32 dims: [ 3, ${imageSize}, ${imageSize} ] }
]
output [
  { name: "embedding__0" data_type: TYPE_FP32 dims: [ ${embeddingDim} ] }
]
instance_group [ { kind: KIND_AUTO } ]
dynamic_batching { }
`;
}
