import type { Watch } from '#lib/text/tokenizer-thread';

/** A watch without a time-out, so that tokenizers may take any time. */
export const UNWATCHED: Watch = () => () => {};
