/** What an engine's weights are stored in. */
export const PRECISIONS = ['fp32', 'bf16', 'fp16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Of a bundle: 'unknown' where an engine made elsewhere does not show it and nobody said it. */
export const BUNDLE_PRECISIONS = [...PRECISIONS, 'unknown'] as const;
export type BundlePrecision = (typeof BUNDLE_PRECISIONS)[number];
