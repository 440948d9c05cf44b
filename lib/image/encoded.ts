import type sharp from 'sharp';
import { LLM2CLIPError } from '../errors';
import type { RawPixels } from '../native';
import type { ImageOptions } from '../options';
import { cmykToRgb } from './cmyk';
import { requireFormat } from './format';

// As Pillow: ICC profiles are ignored, benign warnings too, truncation is not. The cap on pixels is
// this library's own.
const INPUT: sharp.SharpOptions = { ignoreIcc: true, failOn: 'error', limitInputPixels: false };

let loaded: typeof sharp | undefined;

/** sharp, when the first picture needs it: it takes longer to load than all the rest. */
export function loadSharp(): typeof sharp {
  try {
    loaded ??= require('sharp') as typeof sharp;
    return loaded;
  } catch (cause) {
    throw new LLM2CLIPError(
      'ERR_RUNTIME_MISSING',
      `expected sharp for ${process.platform}-${process.arch}, found none; run: npm install sharp`,
      { cause },
    );
  }
}

/**
 * The pixels that Pillow's `convert("RGB")` gives of an encoded picture: the first frame, palettes
 * expanded, alpha dropped. Byte for byte, but for AVIF (another upsampling of chroma), 16-bit grey
 * (scaled, where Pillow clips) and transparent pixels of a GIF (black).
 *
 * @param bytes Private to the library.
 * @param name What messages call the picture.
 */
export async function decodeEncoded(
  bytes: Uint8Array,
  name: string,
  options: Required<ImageOptions>,
): Promise<RawPixels> {
  requireFormat(bytes, name);
  const metadata = await corruptUnless(name, () => loadSharp()(bytes, INPUT).metadata());
  requireSize(metadata, name, options.maxPixels);
  const cmyk = metadata.space === 'cmyk';
  const picture = loadSharp()(bytes, { ...INPUT, autoOrient: options.autoOrient });
  const rgb = cmyk
    ? picture.pipelineColourspace('cmyk').toColourspace('cmyk')
    : picture.toColourspace('srgb').removeAlpha();
  const { data, info } = await corruptUnless(name, () =>
    rgb.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
  );
  const size = { width: info.width, height: info.height };
  if (cmyk) return { data: await cmykToRgb(data, info.channels), ...size, channels: 3 };
  return { data, ...size, channels: info.channels === 1 ? 1 : 3 };
}

async function corruptUnless<T>(name: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (cause) {
    if (cause instanceof LLM2CLIPError) throw cause;
    const [reason] = (cause as Error).message.split('\n');
    throw new LLM2CLIPError(
      'ERR_IMAGE_CORRUPT',
      `expected a whole picture in ${name}, found one that does not decode: ${reason}`,
      { cause },
    );
  }
}

function requireSize({ width, height }: sharp.Metadata, name: string, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  throw new LLM2CLIPError(
    'ERR_IMAGE_TOO_LARGE',
    `expected at most ${maxPixels} pixels in ${name}, found ${width} × ${height}; ` +
      'raise options.image.maxPixels to allow it',
  );
}
