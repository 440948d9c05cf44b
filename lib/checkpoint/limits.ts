// Limits on the work of the parsers for a hostile file. The largest real checkpoint is far below
// each.

/** Tensors in a checkpoint, in all shards together. */
export const MAX_TENSORS = 20_000;
/** Nesting depth of dictionaries in a torch file. */
export const MAX_DICT_DEPTH = 16;
/** Dictionary entries in total, because a dictionary may be referenced many times. */
export const MAX_DICT_ENTRIES = 10 * MAX_TENSORS;
/** Dimensions of a tensor. */
export const MAX_RANK = 8;
/** Size of a safetensors header or an index in bytes; this is the format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Size of `config.json` and `preprocessor_config.json` in bytes. */
export const MAX_CONFIG_BYTES = 1 << 20;
/** Size of `data.pkl` in a torch file, in bytes. */
export const MAX_PICKLE_BYTES = 1 << 25;
/** Records in a torch file: one per storage, and a few that describe the archive. */
export const MAX_RECORDS = MAX_TENSORS + 64;
export const MAX_CENTRAL_DIRECTORY_BYTES = 1 << 24;
