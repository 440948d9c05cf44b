// Prepares AVIF files so that a decoder returns the same image as Pillow's libavif: the first frame
// of a sequence, with its coded pixels neither rotated nor cropped.
import { type Box, boxesOf, findBox, makeBox, textAt, uint, viewOf } from './iso-boxes';
import type { Orientation } from './orientation';

export interface AvifStill {
  bytes: Uint8Array;
  /** The rotation and mirroring that the file's properties state. libavif ignores EXIF. */
  orientation: Orientation;
}

/** Properties that rotate, mirror or crop a decoded image. */
const TRANSFORMS = new Set(['irot', 'imir', 'clap']);

/**
 * Turns an AVIF file into one from which a still-image decoder returns the first frame as coded.
 *
 * @param bytes Changed in place.
 */
export function avifStill(bytes: Uint8Array): AvifStill {
  const boxes = boxesOf(bytes, 0, bytes.length);
  const box = (type: string) => boxes.find((one) => one.type === type);
  const [brand, movie, meta] = [box('ftyp'), box('moov'), box('meta')];
  const major = brand === undefined ? '' : textAt(bytes, brand.start, 4);
  const frame = movie && major !== 'avif' ? firstFrame(bytes, movie) : undefined;
  if (frame !== undefined) return frame;
  if (brand !== undefined && movie !== undefined) removeSequence(bytes, brand, movie);
  const properties = meta === undefined ? undefined : findBox(bytes, meta, 'iprp');
  const orientation =
    properties === undefined ? 1 : removeTransforms(bytes, properties, meta as Box);
  return { bytes, orientation };
}

/** For each sequence brand, the brand of the corresponding still image. */
const STILL_BRANDS: Readonly<Record<string, string>> = { avis: 'avif', msf1: 'mif1' };

/**
 * Removes the sequence from a file that also holds a still image, so that decoders read the image.
 */
function removeSequence(bytes: Uint8Array, brands: Box, movie: Box): void {
  bytes.set(Buffer.from('free'), movie.at + 4);
  for (let at = brands.start; at + 4 <= brands.end; at += 4) {
    const still = STILL_BRANDS[textAt(bytes, at, 4)];
    if (still !== undefined) bytes.set(Buffer.from(still), at);
  }
}

/** Converts rotation and mirroring properties to an EXIF orientation. */
function orientationOf(bytes: Uint8Array, properties: readonly Box[]): Orientation {
  const value = (type: string, bits: number) => {
    const box = properties.find((one) => one.type === type);
    return box === undefined || box.start >= box.end ? undefined : (bytes[box.start] ?? 0) & bits;
  };
  const quarters = value('irot', 3) ?? 0; // Quarter turns anticlockwise, applied before the mirror.
  const axis = value('imir', 1); // 0 swaps top and bottom, 1 swaps left and right.
  const row = axis === undefined ? 0 : 1 + axis;
  return (ORIENTATIONS[row] as readonly Orientation[])[quarters] as Orientation;
}

/** Indexed by the mirror (none, top-bottom, left-right), then by the number of quarter turns. */
const ORIENTATIONS: readonly (readonly Orientation[])[] = [
  [1, 8, 3, 6],
  [4, 5, 2, 7],
  [2, 7, 4, 5],
];

interface Association {
  item: number;
  /** Offset in the file, in bytes. */
  at: number;
  /** Number of bytes. */
  width: 1 | 2;
  /** Index of the property, starting at 1; 0 means no property. */
  property: number;
}

/** Removes the transforms of all items and returns those of the primary item as an orientation. */
function removeTransforms(bytes: Uint8Array, properties: Box, meta: Box): Orientation {
  const container = findBox(bytes, properties, 'ipco');
  if (container === undefined) return 1;
  const all = boxesOf(bytes, container.start, container.end);
  const primary = primaryItem(bytes, meta);
  const found: Box[] = [];
  for (const box of boxesOf(bytes, properties.start, properties.end)) {
    if (box.type !== 'ipma') continue;
    for (const { item, at, width, property } of associations(bytes, box)) {
      const one = all[property - 1];
      if (one === undefined || !TRANSFORMS.has(one.type)) continue;
      if (item === primary) found.push(one);
      bytes.fill(0, at, at + width);
    }
  }
  return orientationOf(bytes, found);
}

function primaryItem(bytes: Uint8Array, meta: Box): number {
  const box = findBox(bytes, meta, 'pitm');
  if (box === undefined) return 0;
  const isLong = (bytes[box.start] ?? 0) > 0;
  if (box.start + (isLong ? 8 : 6) > box.end) return 0;
  const view = viewOf(bytes);
  return isLong ? view.getUint32(box.start + 4) : view.getUint16(box.start + 4);
}

function* associations(bytes: Uint8Array, { start, end }: Box): Generator<Association> {
  if (start + 8 > end) return;
  const view = viewOf(bytes);
  const isLong = view.getUint8(start) > 0;
  const width = view.getUint8(start + 3) & 1 ? 2 : 1;
  const header = isLong ? 5 : 3;
  let at = start + 8;
  for (let left = view.getUint32(start + 4); left > 0 && at + header <= end; left--) {
    const item = isLong ? view.getUint32(at) : view.getUint16(at);
    const count = view.getUint8(at + header - 1);
    at += header;
    for (let i = 0; i < count && at + width <= end; i++, at += width) {
      const property = width === 2 ? view.getUint16(at) & 0x7fff : view.getUint8(at) & 0x7f;
      yield { item, at, width, property };
    }
  }
}

/** Bytes of a VisualSampleEntry before the boxes in it (ISO/IEC 14496-12, 12.1.3). */
const VISUAL_ENTRY_BYTES = 78;

/** Extracts the first frame of the first colour track as a file of its own. */
function firstFrame(bytes: Uint8Array, movie: Box): AvifStill | undefined {
  for (const track of boxesOf(bytes, movie.start, movie.end)) {
    const media = track.type === 'trak' ? findBox(bytes, track, 'mdia') : undefined;
    const handler = media && findBox(bytes, media, 'hdlr');
    const table = media && findBox(bytes, media, 'minf', 'stbl');
    if (table === undefined || handler === undefined) continue;
    if (textAt(bytes, handler.start + 8, 4) === 'auxv') continue; // This track holds opacity.
    const still = stillOf(bytes, table);
    if (still !== undefined) return still;
  }
  return undefined;
}

function stillOf(bytes: Uint8Array, table: Box): AvifStill | undefined {
  const descriptions = findBox(bytes, table, 'stsd');
  const entry =
    descriptions &&
    boxesOf(bytes, descriptions.start + 8, descriptions.end).find(({ type }) => type === 'av01');
  const sample = firstSample(bytes, table);
  if (entry === undefined || sample === undefined) return undefined;
  if (entry.start + VISUAL_ENTRY_BYTES > entry.end) return undefined;
  const properties = boxesOf(bytes, entry.start + VISUAL_ENTRY_BYTES, entry.end);
  const size = bytes.subarray(entry.start + 24, entry.start + 28);
  const kept = properties
    .filter(({ type }) => ['av1C', 'colr', 'pixi'].includes(type))
    .map(({ at, end }) => bytes.subarray(at, end));
  return { bytes: stillFile(size, kept, sample), orientation: orientationOf(bytes, properties) };
}

/** Returns the bytes of a track's first sample, which is at the start of its first chunk. */
function firstSample(bytes: Uint8Array, table: Box): Uint8Array | undefined {
  const view = viewOf(bytes);
  const short = findBox(bytes, table, 'stco');
  const chunks = short ?? findBox(bytes, table, 'co64');
  const sizes = findBox(bytes, table, 'stsz');
  if (chunks === undefined || chunks.start + (short ? 12 : 16) > chunks.end) return undefined;
  if (sizes === undefined || sizes.start + 12 > sizes.end) return undefined;
  const first = chunks.start + 8;
  const offset = short ? view.getUint32(first) : Number(view.getBigUint64(first));
  const ofAll = view.getUint32(sizes.start + 4);
  if (ofAll === 0 && sizes.start + 16 > sizes.end) return undefined;
  const length = ofAll === 0 ? view.getUint32(sizes.start + 12) : ofAll;
  return offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : undefined;
}

/**
 * Writes a still AVIF with one item.
 *
 * @param size Width and height, two bytes each.
 * @param properties Complete boxes.
 */
function stillFile(size: Uint8Array, properties: readonly Uint8Array[], data: Uint8Array): Buffer {
  const FULL = [0, 0, 0, 0]; // Version and flags of a full box.
  const ITEM = uint(1, 2);
  const spatial = makeBox('ispe', FULL, [0, 0], size.subarray(0, 2), [0, 0], size.subarray(2, 4));
  const places = [spatial, ...properties].map((_, i) => 0x80 | (i + 1)); // 0x80 marks them essential.
  const before = (offset: number) =>
    Buffer.concat([
      makeBox('ftyp', Buffer.from('avif\0\0\0\0avifmif1miaf')),
      makeBox(
        'meta',
        FULL,
        makeBox('hdlr', FULL, Buffer.from('\0\0\0\0pict'), new Uint8Array(13)),
        makeBox('pitm', FULL, ITEM),
        makeBox(
          'iloc',
          ...[FULL, [0x44, 0], uint(1, 2), ITEM, [0, 0], uint(1, 2)],
          ...[uint(offset, 4), uint(data.length, 4)],
        ),
        makeBox(
          'iinf',
          ...[FULL, uint(1, 2)],
          makeBox('infe', [2, 0, 0, 0], ITEM, [0, 0], Buffer.from('av01\0')),
        ),
        makeBox(
          'iprp',
          makeBox('ipco', spatial, ...properties),
          makeBox('ipma', FULL, uint(1, 4), ITEM, [places.length], places),
        ),
      ),
    ]);
  const offset = before(0).length + 8;
  return Buffer.concat([before(offset), makeBox('mdat', data)]);
}
