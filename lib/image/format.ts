import { LLM2CLIPError } from '../errors';

/** Enough of a file's beginning to tell its format, the list of brands in AVIF's first box included. */
export const SIGNATURE_BYTES = 64;

type Test = (text: string) => boolean;

const startsWith =
  (...signatures: string[]): Test =>
  (text) =>
    signatures.some((signature) => text.startsWith(signature));

const FORMATS: Record<string, Test> = {
  JPEG: startsWith('\xff\xd8\xff'),
  PNG: startsWith('\x89PNG\r\n\x1a\n'),
  WebP: (text) => text.startsWith('RIFF') && text.startsWith('WEBP', 8),
  GIF: startsWith('GIF87a', 'GIF89a'),
  TIFF: startsWith('II*\0', 'MM\0*', 'II+\0', 'MM\0+'),
  AVIF: isAvif,
};

/** ISO media whose first box names AVIF as its brand or among those it is compatible with. */
function isAvif(text: string): boolean {
  if (!text.startsWith('ftyp', 4)) return false;
  const length = (text.charCodeAt(2) << 8) | text.charCodeAt(3);
  for (let at = 8; at + 4 <= Math.min(length, text.length); at += 4) {
    // At 12 lies the version of the major brand, not a brand.
    if (at !== 12 && /^avi[fs]$/.test(text.slice(at, at + 4))) return true;
  }
  return false;
}

/**
 * Refuses what is not one of the formats this library decodes, by its content.
 *
 * @param name What the message calls the picture.
 * @throws ERR_IMAGE_CORRUPT where nothing is there, ERR_IMAGE_UNSUPPORTED.
 */
export function requireFormat(bytes: Uint8Array, name: string): void {
  if (bytes.length === 0) {
    throw new LLM2CLIPError('ERR_IMAGE_CORRUPT', `expected a picture in ${name}, found no bytes`);
  }
  const text = Buffer.from(bytes.subarray(0, SIGNATURE_BYTES)).toString('latin1');
  if (Object.values(FORMATS).some((test) => test(text))) return;
  throw new LLM2CLIPError(
    'ERR_IMAGE_UNSUPPORTED',
    `expected ${Object.keys(FORMATS).join(', ')} in ${name}, found ${describe(text)}; ` +
      'convert it to PNG, or pass its pixels',
  );
}

function describe(text: string): string {
  if (text.startsWith('%PDF')) return 'a PDF document';
  if (/^\W*<(\?xml|svg|!DOCTYPE|!--)/i.test(text)) return 'an SVG or other XML document';
  return `bytes that begin with ${JSON.stringify(text.slice(0, 8))}`;
}
