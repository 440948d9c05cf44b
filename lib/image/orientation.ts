import type sharp from 'sharp';

/** How a stored picture is to be turned, by the numbers of EXIF: 1 is not at all. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Mirrored first, then turned clockwise. */
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

/** What a file says, where it is one of EXIF's numbers. */
export function readOrientation(stated: number | undefined): Orientation {
  return stated !== undefined && stated in STEPS ? (stated as Orientation) : 1;
}

export function turned(picture: sharp.Sharp, orientation: Orientation): sharp.Sharp {
  const { mirror, degrees } = STEPS[orientation];
  if (mirror !== undefined) picture[mirror]();
  return degrees === undefined ? picture : picture.rotate(degrees);
}
