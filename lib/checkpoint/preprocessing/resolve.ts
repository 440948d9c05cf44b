import { basename } from 'node:path';
import {
  CLIP_MEAN,
  CLIP_STD,
  type Preprocessing,
  withoutDefaults,
} from '../../image/preprocessing';
import type { Origin } from '../layouts/layout';
import { isSection } from '../section';
import type { CheckpointTable, StatedFile } from '../table';
import type { Statement } from './fields';
import { fromOpenClip } from './open-clip';
import { fromTimm, pretrainedConfigOf } from './timm';
import { fromTransformers } from './transformers';

/** The preprocessing of images, and the file that states it. */
export interface ResolvedPreprocessing {
  preprocessing: Preprocessing;
  /** The file, for messages, e.g. `config.json, pretrained_cfg`. */
  source: string;
}

type Reader = (from: Statement, size: number) => Preprocessing;

/** The kinds of statements: their position in a file and their reader. */
const KINDS: readonly {
  origin: Origin;
  part: string;
  find: (file: StatedFile) => unknown;
  read: Reader;
}[] = [
  {
    origin: 'transformers',
    part: 'image_processor',
    find: ({ about, content }) => (about === 'images' ? content.image_processor : undefined),
    read: fromTransformers,
  },
  {
    origin: 'transformers',
    part: '',
    find: ({ name, content }) => (name === 'preprocessor_config.json' ? content : undefined),
    read: fromTransformers,
  },
  {
    origin: 'open_clip',
    part: 'preprocess_cfg',
    find: ({ content }) => content.preprocess_cfg,
    read: fromOpenClip,
  },
  {
    origin: 'timm',
    part: 'pretrained_cfg',
    find: ({ content }) => pretrainedConfigOf(content),
    read: fromTimm,
  },
];

/**
 * Reads the preprocessing of a tower from the files beside its checkpoint. The file of the
 * checkpoint's own library takes precedence; then follow the others in the order above. Without a
 * statement it is CLIP's.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED for unsupported steps, ERR_CHECKPOINT_MISMATCH
 *   for another size than that of the weights
 */
export function resolvePreprocessing(
  { stated }: Pick<CheckpointTable, 'stated'>,
  layout: Origin,
  size: number,
): ResolvedPreprocessing {
  const own = KINDS.filter(({ origin }) => origin === layout);
  for (const { part, find, read } of new Set([...own, ...KINDS])) {
    for (const file of stated) {
      const fields = find(file);
      if (!isSection(fields)) continue;
      const source = [basename(file.name), part].filter((word) => word !== '').join(', ');
      const preprocessing = withoutDefaults(read({ where: source, fields }, size));
      return { preprocessing, source };
    }
  }
  const clip: Preprocessing = { size, resample: 'bicubic', mean: CLIP_MEAN, std: CLIP_STD };
  return { preprocessing: clip, source: "CLIP's defaults, because no file states it" };
}
