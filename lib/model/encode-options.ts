// The names of the options of each call that encodes. Other options are refused.
import { optionNames } from '../arguments';
import type {
  EncodeManyOptions,
  EncodeManyTextsOptions,
  EncodePatchesOptions,
  EncodeStreamOptions,
  EncodeTextOptions,
} from '../options';

const COMMON = { normalize: true, signal: true, timeoutMs: true, priority: true } as const;

/**
 * Calls for many images refuse these by requireEmbeddings(), which names the call to use instead.
 */
const OF_PATCHES = ['output', 'layer'] as const;

export const ENCODE_OPTIONS = {
  image: optionNames<EncodePatchesOptions>({
    ...COMMON,
    out: true,
    transfer: true,
    output: true,
    layer: true,
  }),
  images: [
    ...optionNames<EncodeManyOptions>({ ...COMMON, out: true, transfer: true, onError: true }),
    ...OF_PATCHES,
  ],
  stream: [
    ...optionNames<EncodeStreamOptions>({
      ...COMMON,
      transfer: true,
      onError: true,
      readAhead: true,
    }),
    ...OF_PATCHES,
  ],
  text: optionNames<EncodeTextOptions>({ ...COMMON, out: true, output: true }),
  texts: optionNames<EncodeManyTextsOptions>({
    ...COMMON,
    out: true,
    output: true,
    onError: true,
  }),
  features: optionNames<Omit<EncodeManyOptions, 'transfer'>>({
    ...COMMON,
    out: true,
    onError: true,
  }),
} as const;
