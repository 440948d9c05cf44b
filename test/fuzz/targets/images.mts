/** Encoded images, whose format is checked before any decoder is called. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceOf } from '#lib/image/source';
import { mutateBytes } from '../byte-mutations.mts';
import { refusedOr } from '../refusal.mts';
import { changed, type Target } from '../target.mts';

/** Largest growth of a file during preparation; a GIF gets a palette. */
const MOST_LARGER = 2048;

const FOLDER = join(import.meta.dirname, '../../fixtures/image-kinds');
const SEEDS = readdirSync(FOLDER)
  .filter((name) => !name.endsWith('.json'))
  .map((name): Buffer => readFileSync(join(FOLDER, name)));

export const target: Target = {
  next(random) {
    return { bytes: changed(random.pick(SEEDS), random, (bytes) => mutateBytes(bytes, random)) };
  },
  run({ bytes }) {
    return refusedOr(/^ERR_IMAGE_/, () => {
      // Copy the bytes, because the preparation may change them.
      const {
        bytes: prepared,
        orientation = 1,
        canvas,
      } = sourceOf(Buffer.from(bytes), 'the image');
      if (prepared.length > bytes.length + MOST_LARGER) throw new RangeError('a larger file');
      if (!(orientation >= 1 && orientation <= 8)) throw new RangeError(`turned ${orientation}`);
      if (canvas !== undefined && canvas.background.length !== 3) {
        throw new RangeError(`a background of ${canvas.background.length} numbers`);
      }
      return 'taken';
    });
  },
};
