import type sharp from 'sharp';
import { LLM2CLIPError } from '../errors';
import type { RawPixels } from '../native';
import type { ImageOptions } from '../options';
import { onCanvas } from './canvas';
import { toRgb } from './colours';
import { readOrientation, turned } from './orientation';
import { type Source, sourceOf } from './source';

// Like Pillow, ignore ICC profiles and harmless warnings, but fail on truncated files. The limit on
// pixels is this library's own.
const INPUT: sharp.SharpOptions = {
  ignoreIcc: true,
  failOn: 'error',
  limitInputPixels: false,
  limitInputChannels: false,
};

let loaded: typeof sharp | undefined;

/** Loads sharp when the first image needs it, because it takes longer to load than all the rest. */
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
 * Decodes an image to the pixels that Pillow's `convert("RGB")` returns: the first frame, with
 * palettes expanded and alpha dropped. The bytes are equal, except for AVIF (chroma is upsampled
 * differently) and 16-bit grey (scaled here, clipped by Pillow).
 *
 * @param bytes Owned by the library; decoding may change them.
 * @param name Name of the image in error messages.
 */
export async function decodeEncoded(
  bytes: Uint8Array,
  name: string,
  options: Required<ImageOptions>,
): Promise<RawPixels> {
  const source = sourceOf(bytes, name);
  const { canvas, turnsAlways = false } = source;
  const open = () => loadSharp()(source.bytes, INPUT);
  const metadata = await corruptUnless(name, () => open().metadata());
  requireSize(canvas ?? metadata, name, options.maxPixels);
  const turns = turnsAlways || options.autoOrient;
  const orientation = turns ? readOrientation(source.orientation ?? metadata.orientation) : 1;
  const image = turned(open(), orientation);
  const pixels = await corruptUnless(name, () => rgbOf(image, metadata, source));
  return canvas === undefined ? pixels : onCanvas(pixels, canvas);
}

async function rgbOf(
  image: sharp.Sharp,
  { space, depth }: sharp.Metadata,
  source: Source,
): Promise<RawPixels> {
  const colours = space === 'cmyk' ? space : source.colours;
  if (colours === undefined) {
    const { data, width, height, channels } = await rawOf(
      image.toColourspace('srgb').removeAlpha(),
    );
    return { data, width, height, channels: channels === 1 ? 1 : 3 };
  }
  // Read the samples as stored, because sharp converts CMYK and opacity differently from Pillow.
  const unchanged = image.pipelineColourspace(space).toColourspace(space);
  const isWide = depth === 'ushort' || depth === 'short';
  const { data, width, height, channels } = await rawOf(unchanged, isWide ? 'ushort' : 'uchar');
  const samples = { data, channels, width: isWide ? 2 : 1 } as const;
  return { data: await toRgb(samples, colours), width, height, channels: 3 };
}

async function rawOf(image: sharp.Sharp, depth: 'uchar' | 'ushort' = 'uchar') {
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data, width, height, channels };
}

async function corruptUnless<T>(name: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (cause) {
    if (cause instanceof LLM2CLIPError) throw cause;
    const [reason] = (cause as Error).message.split('\n');
    throw new LLM2CLIPError(
      'ERR_IMAGE_CORRUPT',
      `expected a whole image in ${name}, found one that does not decode: ${reason}`,
      { cause },
    );
  }
}

function requireSize(
  { width, height }: { width: number; height: number },
  name: string,
  maxPixels: number,
): void {
  if (width * height <= maxPixels) return;
  throw new LLM2CLIPError(
    'ERR_IMAGE_TOO_LARGE',
    `expected at most ${maxPixels} pixels in ${name}, found ${width} × ${height}; ` +
      'raise options.image.maxPixels to allow it',
  );
}
