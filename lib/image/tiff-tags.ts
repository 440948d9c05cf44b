/** Tags by their numbers in the specification. */
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

/** The first values of a tag, and how they are kept. */
export interface TiffField {
  values: readonly number[];
  /** Where the first one lies in the file. */
  offset: number;
  /** Bytes of one. */
  width: number;
}

export interface TiffTags {
  littleEndian: boolean;
  fields: Partial<Record<TagName, TiffField>>;
}

/** More samples a pixel than any picture that is decoded has. */
const MOST_VALUES = 8;
/** Directories of pictures have some thirty. */
const MOST_FIELDS = 4096;
/** Bytes of a value by its type: BYTE, SHORT, LONG, LONG8; other types are of other tags. */
const WIDTHS: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };

const NAMES = new Map(Object.entries(TAGS).map(([name, tag]) => [tag as number, name as TagName]));

/** How the two kinds of TIFF are laid out, in bytes. */
const CLASSIC = { first: 4, count: 2, entry: 12, word: 4 } as const;
const BIG = { first: 8, count: 8, entry: 20, word: 8 } as const;

/** What the first directory of a TIFF says of its pixels; what does not lie in the file is left out. */
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

/** The first value of a tag, or what its absence means. */
export function tagValue({ fields }: TiffTags, name: TagName, absent: number): number {
  return fields[name]?.values[0] ?? absent;
}

/** Replaces the first value of a tag that is there. */
export function setTag(bytes: Uint8Array, tags: TiffTags, name: TagName, value: number): void {
  const field = tags.fields[name];
  if (field === undefined) return;
  const { offset, width } = field;
  for (let i = 0; i < width; i++) {
    const place = tags.littleEndian ? i : width - 1 - i;
    bytes[offset + place] = i < 4 ? (value >>> (8 * i)) & 0xff : 0;
  }
}
