/** Tag numbers of the TIFF 6.0 specification. */
const TAGS = {
  imageWidth: 256,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  samplesPerPixel: 277,
  planarConfiguration: 284,
  tileWidth: 322,
  extraSamples: 338,
  sampleFormat: 339,
} as const;

export type TagName = keyof typeof TAGS;

/** The first values of a tag, and their position in the file. */
export interface TiffField {
  values: readonly number[];
  /** Offset of the first value in the file. */
  offset: number;
  /** Bytes per value. */
  width: number;
}

export interface TiffTags {
  littleEndian: boolean;
  fields: Partial<Record<TagName, TiffField>>;
}

/** More samples per pixel than any image that is decoded has. */
const MOST_VALUES = 8;
/** Limit for hostile files. A directory of a real image has about thirty fields. */
const MOST_FIELDS = 4096;
/** Bytes per value of the types BYTE, SHORT, LONG and LONG8; tags of other types are not read. */
const WIDTHS: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };

const NAMES = new Map(Object.entries(TAGS).map(([name, tag]) => [tag as number, name as TagName]));

/** Sizes in bytes of the parts of a directory in classic TIFF and in BigTIFF. */
const CLASSIC = { first: 4, count: 2, entry: 12, word: 4 } as const;
const BIG = { first: 8, count: 8, entry: 20, word: 8 } as const;

/**
 * Reads the tags in the first directory of a TIFF. Values beyond the end of the file are left out.
 */
export function readTiffTags(bytes: Uint8Array): TiffTags {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = bytes[0] === 0x49;
  const read = (at: number, width: number): number => {
    if (!(at >= 0 && at + width <= view.byteLength)) return Number.NaN;
    if (width === 1) return view.getUint8(at);
    if (width === 2) return view.getUint16(at, littleEndian);
    return width === 4
      ? view.getUint32(at, littleEndian)
      : Number(view.getBigUint64(at, littleEndian));
  };
  const { first, count, entry, word } = read(2, 2) === 43 ? BIG : CLASSIC;
  const start = read(first, word);
  const fields: TiffTags['fields'] = {};
  for (let i = 0; i < Math.min(read(start, count), MOST_FIELDS); i++) {
    const at = start + count + i * entry;
    const name = NAMES.get(read(at, 2));
    const width = WIDTHS[read(at + 2, 2)];
    if (name === undefined || width === undefined) continue;
    const values = read(at + 4, word);
    const inline = at + 4 + word;
    const offset = values * width <= word ? inline : read(inline, word);
    const length = Math.min(values, MOST_VALUES);
    if (!(length > 0 && offset + length * width <= view.byteLength)) continue;
    fields[name] = {
      values: Array.from({ length }, (_, k) => read(offset + k * width, width)),
      ...{ offset, width },
    };
  }
  return { littleEndian, fields };
}

/** Returns the first value of a tag, or `absent` if the tag is missing. */
export function tagValue({ fields }: TiffTags, name: TagName, absent: number): number {
  return fields[name]?.values[0] ?? absent;
}

/** Replaces the first value of a tag, if the tag is present. */
export function setTag(bytes: Uint8Array, tags: TiffTags, name: TagName, value: number): void {
  const field = tags.fields[name];
  if (field === undefined) return;
  const { offset, width } = field;
  for (let i = 0; i < width; i++) {
    const place = tags.littleEndian ? i : width - 1 - i;
    bytes[offset + place] = i < 4 ? (value >>> (8 * i)) & 0xff : 0;
  }
}
