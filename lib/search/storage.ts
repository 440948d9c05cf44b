/** How an index keeps vectors: in 4, 2 or 1 bytes a number; int8 with a scale a vector. */
export const STORAGES = ['fp32', 'fp16', 'int8'] as const;
export type Storage = (typeof STORAGES)[number];

/** Most numbers of a vector; see csrc/search/row_format.h. */
export const MOST_DIM = 65_536;
