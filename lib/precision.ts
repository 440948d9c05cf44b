/** The precisions that an engine's weights can be stored in. */
export const PRECISIONS = ['fp32', 'bf16', 'fp16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/**
 * The precision of a bundle. It is 'unknown' for an imported engine that does not show its
 * precision, if the user did not state it.
 */
export const BUNDLE_PRECISIONS = [...PRECISIONS, 'unknown'] as const;
export type BundlePrecision = (typeof BUNDLE_PRECISIONS)[number];
