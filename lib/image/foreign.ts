// biome-ignore-all lint/suspicious/noControlCharactersInRegex: the signatures of binary files hold them
// Names file formats that this library does not decode, by their signatures.

/** Tests the beginning of a file. @param text The first bytes, one character per byte. */
type Test = (text: string) => boolean;

const startsWith =
  (...signatures: string[]): Test =>
  (text) =>
    signatures.some((signature) => text.startsWith(signature));

const matches =
  (pattern: RegExp): Test =>
  (text) =>
    pattern.test(text);

/**
 * Returns the brands in the first box of an ISO media file, the major brand first; else nothing.
 */
export function isoBrands(text: string): string[] {
  if (!text.startsWith('ftyp', 4)) return [];
  const length = (text.charCodeAt(2) << 8) | text.charCodeAt(3);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= Math.min(length, text.length); at += 4) {
    // Offset 12 holds the version of the major brand, which is not a brand.
    if (at !== 12) brands.push(text.slice(at, at + 4));
  }
  return brands;
}

const hasBrand =
  (pattern: RegExp): Test =>
  (text) =>
    isoBrands(text).some((brand) => pattern.test(brand));

const FOREIGN: readonly (readonly [name: string, test: Test])[] = [
  ['HEIC', hasBrand(/^(hei[cmsx]|hev[cmsx])$/)],
  ['CR3', hasBrand(/^crx /)],
  ['HEIF', hasBrand(/^(mif[12]|msf1|miaf|avc[is]|vvi[cs]|j2k[is]|jpe[gs])$/)],
  ['a video', hasBrand(/^(isom|iso[2-9]|mp4[12]|avc1|M4V |qt {2}|3g[pr2].|dash|mmp4)$/)],
  ['JPEG XL', startsWith('\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n')],
  [
    'JPEG 2000',
    startsWith('\xff\x4f\xff\x51', '\0\0\0\x0cjP  \r\n\x87\n', '\0\0\0\x0cjP\x1a\x1a\r\n\x87\n'),
  ],
  ['JPEG XR', startsWith('II\xbc\0', 'II\xbc\x01')],
  // The size of the second header distinguishes BMP from texts that begin with "BM".
  ['BMP', matches(/^BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0/s)],
  ['PSD', startsWith('8BPS')],
  ['ICO', matches(/^\0\0\x01\0[^\0]\0/)],
  ['CUR', matches(/^\0\0\x02\0[^\0]\0/)],
  ['ICNS', startsWith('icns')],
  ['PNM', matches(/^P[1-7][\s#]/)],
  ['PFM', matches(/^P[Ff]\d*\s/)],
  ['Radiance HDR', startsWith('#?RADIANCE', '#?RGBE')],
  ['OpenEXR', startsWith('v/1\x01')],
  ['DDS', startsWith('DDS ')],
  ['QOI', startsWith('qoif')],
  ['PCX', matches(/^\n[\0\x02-\x05]\x01[\x01\x02\x04\x08]/)],
  ['XCF', startsWith('gimp xcf')],
  ['FITS', startsWith('SIMPLE  =')],
  ['MNG', startsWith('\x8aMNG\r\n\x1a\n')],
  ['JNG', startsWith('\x8bJNG\r\n\x1a\n')],
  ['BPG', startsWith('BPG\xfb')],
  ['FLIF', startsWith('FLIF')],
  ['SGI', matches(/^\x01\xda[\0\x01][\x01\x02]\0[\x01-\x03]/)],
  ['Sun raster', startsWith('\x59\xa6\x6a\x95')],
  ['XBM', startsWith('#define ')],
  ['IFUNC IM', startsWith('Image type:')],
  ['MSP', startsWith('DanM', 'LinS')],
  // TGA has no signature. Check the colour map flag, the image type and, after the sizes, the
  // depth.
  ['TGA', matches(/^\0[\0\x01][\x01-\x03\x09-\x0b].{13}[\x08\x10\x18\x20]/s)],
  ['XPM', startsWith('/* XPM */')],
  ['farbfeld', startsWith('farbfeld')],
  ['KTX', startsWith('\xabKTX ')],
  ['WMF', startsWith('\xd7\xcd\xc6\x9a')],
  ['EMF', (text) => text.startsWith('\x01\0\0\0') && text.startsWith(' EMF', 40)],
  ['EPS or PostScript', startsWith('%!PS', '\xc5\xd0\xd3\xc6')],
  ['DjVu', startsWith('AT&TFORM')],
  ["a camera's raw file", startsWith('IIU\0', 'IIRO', 'IIRS', 'MMOR', 'FUJIFILM', 'FOVb')],
  ['DICOM', (text) => text.startsWith('DICM', 128)],
  ['a PDF document', startsWith('%PDF')],
  ['an SVG or other XML document', matches(/^\W*<(\?xml|svg|!DOCTYPE|!--)/i)],
  ['an HTML page', matches(/^\W*<(html|head|body)\b/i)],
  ['a video', startsWith('\x1aE\xdf\xa3', '\0\0\x01\xba', '\0\0\x01\xb3', 'FLV\x01')],
  ['a RIFF file other than WebP', startsWith('RIFF')],
  ['a compressed archive', startsWith('PK\x03\x04', '\x1f\x8b', 'Rar!\x1a\x07', "7z\xbc\xaf'\x1c")],
];

/** Returns a name for a format that is not decoded. */
export function describeForeign(text: string): string {
  const found = FOREIGN.find(([, test]) => test(text));
  return found?.[0] ?? `bytes that begin with ${JSON.stringify(text.slice(0, 8))}`;
}
