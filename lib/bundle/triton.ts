import type { BundleContent } from './write';

/** Triton's libtorch backend finds inputs by the argument's name and outputs by their number. */
const OUTPUT = 'OUTPUT__0';

/** Why Triton may not serve this file as it lies. */
function remark({ engine }: BundleContent): string {
  if (engine.flavour !== 'native') return '';
  return (
    "# Holds llm2clip's own operators: start Triton with LD_PRELOAD=llm2clip_torchscript.so, or\n" +
    '# convert with --portable.\n'
  );
}

/** Triton Inference Server's own description of the vision tower (config.pbtxt). */
export function tritonConfig(content: BundleContent): string {
  const { imageSize, embeddingDim } = content.model;
  return `${remark(content)}name: "vision"
platform: "pytorch_libtorch"
max_batch_size: ${content.batch.max}
input [
  { name: "pixel_values" data_type: TYPE_FP32 dims: [ 3, ${imageSize}, ${imageSize} ] }
]
output [
  { name: "${OUTPUT}" data_type: TYPE_FP32 dims: [ ${embeddingDim} ] }
]
dynamic_batching { }
`;
}
