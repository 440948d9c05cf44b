import type { VisionConfig } from '#lib/checkpoint/vision-config';
import { type Row, towerRows } from '../../test/support/layout-names.mts';

/** A tensor in a file, made from one weight or from several stacked weights. */
export interface FileTensor {
  name: string;
  shape: number[];
  parts: { canonical: string; shape: number[] }[];
}

/**
 * How a layout differs from the canonical names: a column of the tables, a prefix, and fused
 * tensors.
 */
interface Layout {
  family: VisionConfig['family'];
  column: number;
  prefix: string;
  /** Applied to the column's name. The order does not matter. */
  renames?: readonly (readonly [RegExp, string])[];
  /** If not set, embeddings lose their leading dimensions of 1. */
  keepsLeadingOnes?: boolean;
}

export const LAYOUTS = {
  official: { family: 'eva02', column: 0, prefix: 'visual.', keepsLeadingOnes: true },
  timm: { family: 'eva02', column: 1, prefix: '', keepsLeadingOnes: true },
  open_clip: { family: 'eva02', column: 1, prefix: 'visual.trunk.', keepsLeadingOnes: true },
  'hf-evaclip': { family: 'eva02', column: 2, prefix: '' },
  'hf-evaclip-fc': {
    family: 'eva02',
    column: 2,
    prefix: '',
    renames: [
      [/inner_attn_ln/, 'inner_self_attn_ln'],
      [/mlp\.w([123])\./, 'mlp.fc$1.'],
    ],
  },
  'eva-clip-old': {
    family: 'eva02',
    column: 0,
    prefix: 'visual.',
    keepsLeadingOnes: true,
    renames: [[/([qv])_proj\.bias$/, '$1_bias']],
  },
  'eva-clip-fused': {
    family: 'eva02',
    column: 0,
    prefix: 'visual.',
    keepsLeadingOnes: true,
    renames: [
      [/([qv])_proj\.bias$/, '$1_bias'],
      [/[qkv]_proj\.weight$/, 'qkv.weight'],
    ],
  },
  'hf-openai': { family: 'clip_vit', column: 0, prefix: '' },
  'timm-siglip2': { family: 'siglip2', column: 0, prefix: '', keepsLeadingOnes: true },
  'open_clip-siglip2': {
    family: 'siglip2',
    column: 0,
    prefix: 'visual.trunk.',
    keepsLeadingOnes: true,
  },
} as const satisfies Record<string, Layout>;

export type LayoutName = keyof typeof LAYOUTS;

function nameIn(layout: Layout, row: Row): string {
  let name = row.names[layout.column] as string;
  for (const [pattern, replacement] of layout.renames ?? []) {
    name = name.replace(pattern, replacement);
  }
  return layout.prefix + name;
}

function shapeIn(layout: Layout, { canonical, shape }: Row): number[] {
  const embedding = canonical === 'cls_token' || canonical === 'pos_embed';
  return embedding && !layout.keepsLeadingOnes ? shape.filter((size) => size !== 1) : shape;
}

/** The tensors of a tower in a file of this layout. */
export function tensorsOf(config: VisionConfig, name: LayoutName): FileTensor[] {
  const layout: Layout = LAYOUTS[name];
  if (layout.family !== config.family) {
    throw new RangeError(`expected a layout of ${config.family}, received ${name}`);
  }
  const grid = config.imageSize / config.patchSize;
  const rows = towerRows(config.family, {
    D: config.width,
    H: config.hidden,
    E: config.embeddingDim,
    P: config.patchSize,
    N: grid * grid + (config.family === 'siglip2' ? 0 : 1),
    layers: config.layers,
  });
  const tensors = new Map<string, FileTensor>();
  for (const row of rows) {
    const part = { canonical: row.canonical, shape: row.shape };
    const fused = tensors.get(nameIn(layout, row));
    if (fused === undefined) {
      const shape = [...shapeIn(layout, row)];
      tensors.set(nameIn(layout, row), { name: nameIn(layout, row), shape, parts: [part] });
    } else {
      fused.parts.push(part);
      (fused.shape[0] as number) += row.shape[0] as number;
    }
  }
  return [...tensors.values()];
}
