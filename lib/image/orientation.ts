import type sharp from 'sharp';

/** EXIF orientation: how a stored image must be turned for display; 1 leaves it unchanged. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The steps of each orientation: mirror first, then rotate clockwise. */
const STEPS: Readonly<Record<Orientation, { mirror?: 'flip' | 'flop'; degrees?: 90 | 180 | 270 }>> =
  {
    1: {},
    2: { mirror: 'flop' },
    3: { degrees: 180 },
    4: { mirror: 'flip' },
    5: { mirror: 'flip', degrees: 90 },
    6: { degrees: 90 },
    7: { mirror: 'flop', degrees: 90 },
    8: { degrees: 270 },
  };

/** Returns the stated orientation if it is valid, else 1. */
export function readOrientation(stated: number | undefined): Orientation {
  return stated !== undefined && stated in STEPS ? (stated as Orientation) : 1;
}

export function turned(image: sharp.Sharp, orientation: Orientation): sharp.Sharp {
  const { mirror, degrees } = STEPS[orientation];
  if (mirror !== undefined) image[mirror]();
  return degrees === undefined ? image : image.rotate(degrees);
}
