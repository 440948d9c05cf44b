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

/** How pictures are preprocessed, and who says so. */
export interface ResolvedPreprocessing {
  preprocessing: Preprocessing;
  /** For people, e.g. `config.json, pretrained_cfg`. */
  source: string;
}

type Reader = (from: Statement, size: number) => Preprocessing;

/** Each kind of statement: where it lies in a file, and who reads it. */
const KINDS: readonly {
  origin: Origin;
  part: string;
  find: (file: StatedFile) => unknown;
  read: Reader;
}[] = [
  {
    origin: 'transformers',
    part: 'image_processor',
    find: ({ about, content }) => (about === 'pictures' ? content.image_processor : undefined),
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
 * The preprocessing of a tower, as the files beside its checkpoint state it: first the one that
 * belongs to the checkpoint's own layout, then the others in the order above. CLIP's where none does.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_UNSUPPORTED for steps that are not known here,
 *   ERR_CHECKPOINT_MISMATCH for another size than the weights'
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
  return { preprocessing: clip, source: "no file says it: CLIP's own" };
}
