/** Notes of an index's records, including those of an image index. */
import { ImageCatalogue } from '#lib/search/image-catalogue';
import { readNote } from '#lib/search/note';
import { mutateJson } from '../json-mutations.mts';
import { refusedOr } from '../refusal.mts';
import { seedsOf } from '../seeds.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = seedsOf('.note').map(String);
const PATH = '/fuzz/index';

export const target: Target = {
  next(random) {
    const json = changed(random.pick(SEEDS), random, (text) => mutateJson(text, random));
    return { bytes: Buffer.from(json) };
  },
  run({ bytes }) {
    return refusedOr(/^ERR_INDEX_INVALID$/, () => {
      const { ids, extra } = readNote(bytes.toString(), 2, PATH);
      if (ids !== undefined && ids.length !== 2)
        throw new RangeError(`${ids.length} ids of 2 rows`);
      if (extra === undefined) return 'parsed';
      return JSON.stringify(new ImageCatalogue([extra], PATH).notes()) === '' ? 'parsed' : 'notes';
    });
  },
};
