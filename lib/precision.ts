/** What an engine's weights are stored in. */
export const PRECISIONS = ['fp32', 'bf16', 'fp16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];
