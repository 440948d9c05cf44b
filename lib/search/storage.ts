/** Storage formats of an index: 4, 2 or 1 bytes per number. int8 has one scale per vector. */
export const STORAGES = ['fp32', 'fp16', 'int8'] as const;
export type Storage = (typeof STORAGES)[number];

/** Largest length of a vector; see csrc/search/row_format.h. */
export const MOST_DIM = 65_536;
