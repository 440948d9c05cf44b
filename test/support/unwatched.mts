import type { Watch } from '#lib/text/tokenizer-thread';

/** Tokenizers that are given it may take for ever. */
export const UNWATCHED: Watch = () => () => {};
