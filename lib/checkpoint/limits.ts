/** Bounds on what a hostile file can make the parsers do; the largest real checkpoint stays far below each. */

/** Tensors in a checkpoint, all shards together. */
export const MAX_TENSORS = 20_000;
/** Dictionaries of a torch file within one another. */
export const MAX_DICT_DEPTH = 16;
/** Their entries, in all: a dictionary may be referred to again and again. */
export const MAX_DICT_ENTRIES = 10 * MAX_TENSORS;
/** Dimensions of a tensor. */
export const MAX_RANK = 8;
/** A safetensors header or an index, in bytes; the format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;
/** `config.json` and `preprocessor_config.json`, in bytes. */
export const MAX_CONFIG_BYTES = 1 << 20;
/** `data.pkl` in a torch file, in bytes. */
export const MAX_PICKLE_BYTES = 1 << 25;
/** Records in a torch file: one a storage, and a handful that describe the archive. */
export const MAX_RECORDS = MAX_TENSORS + 64;
export const MAX_CENTRAL_DIRECTORY_BYTES = 1 << 24;
