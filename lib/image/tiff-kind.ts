import { readTiffTags, setTag, type TiffTags, tagValue } from './tiff-tags';

const UNCOMPRESSED = 1;
const JPEG = 7;
const SEPARATE = 2;

const WHITE_IS_ZERO = 0;
const BLACK_IS_ZERO = 1;
const RGB = 2;
const PALETTE = 3;
const CMYK = 5;
const YCBCR = 6;

/** Supported compressions: none, CCITT, LZW, JPEG, deflate and PackBits. */
const COMPRESSIONS = new Set([UNCOMPRESSED, 2, 3, 4, 5, JPEG, 8, 32773, 32946]);

const COMPRESSION_NAMES: Readonly<Record<number, string>> = {
  6: 'old-style JPEG',
  9: 'JBIG',
  10: 'JBIG',
  22610: 'JPEG XR',
  32809: 'ThunderScan',
  32908: 'Pixar',
  32909: 'Pixar',
  33003: 'JPEG 2000',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000',
  34661: 'JBIG',
  34676: 'SGI LogLuv',
  34677: 'SGI LogLuv',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34892: 'lossy JPEG',
  34925: 'LZMA',
  34933: 'PNG',
  34934: 'JPEG XR',
  34926: 'zstd',
  34927: 'WebP',
  50000: 'zstd',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};

const PHOTOMETRIC_NAMES: Readonly<Record<number, string>> = {
  4: 'transparency mask',
  8: 'CIELAB',
  9: 'ICCLAB',
  10: 'ITULAB',
  32803: 'colour filter array',
  32844: 'LogL',
  32845: 'LogLuv',
  34892: 'linear raw',
  51177: 'depth map',
};

/** Supported photometric interpretations with their names and numbers of bits per sample. */
const PHOTOMETRICS: ReadonlyMap<number, { name: string; bits: readonly number[] }> = new Map([
  [WHITE_IS_ZERO, { name: 'grey', bits: [1, 2, 4, 8, 16, 32] }],
  [BLACK_IS_ZERO, { name: 'grey', bits: [1, 2, 4, 8, 16, 32] }],
  [RGB, { name: 'RGB', bits: [8, 16] }],
  [PALETTE, { name: 'palette', bits: [1, 2, 4, 8] }],
  [CMYK, { name: 'CMYK', bits: [8, 16] }],
  [YCBCR, { name: 'YCbCr', bits: [8] }],
]);

/** Returns the name of a TIFF variant that is not decoded, or undefined for one that is. */
export function undecodedTiff(bytes: Uint8Array): string | undefined {
  const tags = readTiffTags(bytes);
  if (tags.fields.imageWidth === undefined) return undefined; // The decoder will report it.
  const kind =
    undecodedCompression(tags) ??
    undecodedColours(tags) ??
    undecodedSamples(tags) ??
    undecodedPlanes(tags);
  return kind && `${kind} TIFF`;
}

function undecodedCompression(tags: TiffTags): string | undefined {
  const compression = tagValue(tags, 'compression', UNCOMPRESSED);
  if (COMPRESSIONS.has(compression)) return undefined;
  return COMPRESSION_NAMES[compression] ?? `compression ${compression}`;
}

function undecodedColours(tags: TiffTags): string | undefined {
  const photometric = tagValue(tags, 'photometric', WHITE_IS_ZERO);
  // With other compressions decoders return YCbCr samples as if they were RGB.
  if (photometric === YCBCR && tagValue(tags, 'compression', UNCOMPRESSED) !== JPEG) {
    return 'YCbCr (not JPEG-compressed)';
  }
  if (PHOTOMETRICS.has(photometric)) return undefined;
  return PHOTOMETRIC_NAMES[photometric] ?? `photometric interpretation ${photometric}`;
}

// Values of the ExtraSamples tag: an opacity that the colours are, or are not, premultiplied by.
const PREMULTIPLIED = 1;
const OPACITY = 2;

const UNSIGNED = 1;
const SIGNED = 2;
const FLOAT = 3;

/** Names of sample formats other than unsigned integers, which every supported kind may have. */
const FORMAT_NAMES: Readonly<Record<number, string>> = {
  [SIGNED]: 'signed ',
  [FLOAT]: 'floating-point ',
  5: 'complex ',
  6: 'complex ',
};

/** Numbers of bits that such samples may have; they are decoded only in grey images. */
const GREY_FORMATS: Readonly<Record<number, readonly number[]>> = {
  [SIGNED]: [8, 16, 32],
  [FLOAT]: [32],
};

function undecodedSamples(tags: TiffTags): string | undefined {
  const photometric = tagValue(tags, 'photometric', WHITE_IS_ZERO);
  const { name, bits } = PHOTOMETRICS.get(photometric) as { name: string; bits: readonly number[] };
  const found = tags.fields.bitsPerSample?.values ?? [1];
  const format = tagValue(tags, 'sampleFormat', UNSIGNED);
  const formatName = FORMAT_NAMES[format] ?? '';
  const allowed = formatName === '' ? bits : isGrey(tags) ? (GREY_FORMATS[format] ?? []) : [];
  const wrong = found.find((one) => !allowed.includes(one));
  if (wrong !== undefined) return `${wrong}-bit ${formatName}${name}`;
  return found.some((one) => one !== found[0]) ? `${found.join('-')}-bit ${name}` : undefined;
}

function undecodedPlanes(tags: TiffTags): string | undefined {
  const isTiled = tags.fields.tileWidth !== undefined;
  const isSeparate = tagValue(tags, 'planarConfiguration', 1) === SEPARATE;
  const hasPlanes = tagValue(tags, 'samplesPerPixel', 1) > 1;
  return isTiled && isSeparate && hasPlanes ? 'tiled, planar' : undefined;
}

function isGrey(tags: TiffTags): boolean {
  return tagValue(tags, 'photometric', WHITE_IS_ZERO) <= BLACK_IS_ZERO;
}

/** Conversions of samples that Pillow does and the decoder does not, or does differently. */
export type TiffColours = 'premultiplied' | 'clipped';

/**
 * Changes the tags of a TIFF so that the decoder returns its samples unchanged.
 *
 * @param bytes Changed in place.
 * @returns The conversion to RGB that must follow, if it is not the usual one.
 */
export function prepareTiff(bytes: Uint8Array): TiffColours | undefined {
  const tags = readTiffTags(bytes);
  const orientation = tagValue(tags, 'orientation', 1);
  // Pillow ignores an orientation out of range, but libtiff refuses the file.
  if (orientation < 1 || orientation > 8) setTag(bytes, tags, 'orientation', 1);
  const isRgb = tagValue(tags, 'photometric', WHITE_IS_ZERO) === RGB;
  if (isRgb && tagValue(tags, 'extraSamples', 0) === PREMULTIPLIED) {
    setTag(bytes, tags, 'extraSamples', OPACITY);
    return 'premultiplied';
  }
  if (tagValue(tags, 'sampleFormat', UNSIGNED) !== SIGNED) return undefined;
  const bits = tagValue(tags, 'bitsPerSample', 1);
  // Pillow reads a signed byte as unsigned.
  if (bits === 8) setTag(bytes, tags, 'sampleFormat', UNSIGNED);
  return bits === 16 ? 'clipped' : undefined;
}
