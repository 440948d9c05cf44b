/** Shapes of tensors by name, as in a state dict. */
export type NamedShapes = Record<string, number[]>;

/** A weight of a tower: its canonical name and shape, and its name in each kind of file. */
export interface Row {
  canonical: string;
  shape: number[];
  names: string[];
}

/** The sizes of the letters in the tables, and the number of blocks. */
export interface TowerSize {
  D: number;
  H: number;
  E: number;
  P: number;
  N: number;
  layers: number;
}

/**
 * Names of the published layouts, written by hand; "=" repeats the canonical name. Columns:
 * official, timm, Hugging Face.
 */
const EVA02 = `
  cls_token                          1,1,D    =  =                       vision_model.embeddings.class_embedding
  pos_embed                          1,N,D    =  =                       vision_model.embeddings.position_embedding.weight
  patch_embed.proj.weight            D,3,P,P  =  =                       vision_model.embeddings.patch_embedding.weight
  patch_embed.proj.bias              D        =  =                       vision_model.embeddings.patch_embedding.bias
  blocks.{i}.norm1.weight            D        =  =                       vision_model.encoder.layers.{i}.layer_norm1.weight
  blocks.{i}.norm1.bias              D        =  =                       vision_model.encoder.layers.{i}.layer_norm1.bias
  blocks.{i}.attn.q_proj.weight      D,D      =  =                       vision_model.encoder.layers.{i}.self_attn.q_proj.weight
  blocks.{i}.attn.q_proj.bias        D        =  =                       vision_model.encoder.layers.{i}.self_attn.q_proj.bias
  blocks.{i}.attn.k_proj.weight      D,D      =  =                       vision_model.encoder.layers.{i}.self_attn.k_proj.weight
  blocks.{i}.attn.v_proj.weight      D,D      =  =                       vision_model.encoder.layers.{i}.self_attn.v_proj.weight
  blocks.{i}.attn.v_proj.bias        D        =  =                       vision_model.encoder.layers.{i}.self_attn.v_proj.bias
  blocks.{i}.attn.inner_attn_ln.weight D      =  blocks.{i}.attn.norm.weight   vision_model.encoder.layers.{i}.self_attn.inner_attn_ln.weight
  blocks.{i}.attn.inner_attn_ln.bias D        =  blocks.{i}.attn.norm.bias     vision_model.encoder.layers.{i}.self_attn.inner_attn_ln.bias
  blocks.{i}.attn.proj.weight        D,D      =  =                       vision_model.encoder.layers.{i}.self_attn.out_proj.weight
  blocks.{i}.attn.proj.bias          D        =  =                       vision_model.encoder.layers.{i}.self_attn.out_proj.bias
  blocks.{i}.norm2.weight            D        =  =                       vision_model.encoder.layers.{i}.layer_norm2.weight
  blocks.{i}.norm2.bias              D        =  =                       vision_model.encoder.layers.{i}.layer_norm2.bias
  blocks.{i}.mlp.w1.weight           H,D      =  blocks.{i}.mlp.fc1_g.weight   vision_model.encoder.layers.{i}.mlp.w1.weight
  blocks.{i}.mlp.w1.bias             H        =  blocks.{i}.mlp.fc1_g.bias     vision_model.encoder.layers.{i}.mlp.w1.bias
  blocks.{i}.mlp.w2.weight           H,D      =  blocks.{i}.mlp.fc1_x.weight   vision_model.encoder.layers.{i}.mlp.w2.weight
  blocks.{i}.mlp.w2.bias             H        =  blocks.{i}.mlp.fc1_x.bias     vision_model.encoder.layers.{i}.mlp.w2.bias
  blocks.{i}.mlp.ffn_ln.weight       H        =  blocks.{i}.mlp.norm.weight    vision_model.encoder.layers.{i}.mlp.ffn_ln.weight
  blocks.{i}.mlp.ffn_ln.bias         H        =  blocks.{i}.mlp.norm.bias      vision_model.encoder.layers.{i}.mlp.ffn_ln.bias
  blocks.{i}.mlp.w3.weight           D,H      =  blocks.{i}.mlp.fc2.weight     vision_model.encoder.layers.{i}.mlp.w3.weight
  blocks.{i}.mlp.w3.bias             D        =  blocks.{i}.mlp.fc2.bias       vision_model.encoder.layers.{i}.mlp.w3.bias
  norm.weight                        D        =  =                       vision_model.post_layernorm.weight
  norm.bias                          D        =  =                       vision_model.post_layernorm.bias
  head.weight                        E,D      =  =                       visual_projection.weight
  head.bias                          E        =  =                       visual_projection.bias`;

/** Column: Hugging Face. */
const CLIP_VIT = `
  cls_token                          1,1,D    vision_model.embeddings.class_embedding
  pos_embed                          1,N,D    vision_model.embeddings.position_embedding.weight
  patch_embed.proj.weight            D,3,P,P  vision_model.embeddings.patch_embedding.weight
  norm_pre.weight                    D        vision_model.pre_layrnorm.weight
  norm_pre.bias                      D        vision_model.pre_layrnorm.bias
  blocks.{i}.norm1.weight            D        vision_model.encoder.layers.{i}.layer_norm1.weight
  blocks.{i}.norm1.bias              D        vision_model.encoder.layers.{i}.layer_norm1.bias
  blocks.{i}.attn.q_proj.weight      D,D      vision_model.encoder.layers.{i}.self_attn.q_proj.weight
  blocks.{i}.attn.q_proj.bias        D        vision_model.encoder.layers.{i}.self_attn.q_proj.bias
  blocks.{i}.attn.k_proj.weight      D,D      vision_model.encoder.layers.{i}.self_attn.k_proj.weight
  blocks.{i}.attn.k_proj.bias        D        vision_model.encoder.layers.{i}.self_attn.k_proj.bias
  blocks.{i}.attn.v_proj.weight      D,D      vision_model.encoder.layers.{i}.self_attn.v_proj.weight
  blocks.{i}.attn.v_proj.bias        D        vision_model.encoder.layers.{i}.self_attn.v_proj.bias
  blocks.{i}.attn.proj.weight        D,D      vision_model.encoder.layers.{i}.self_attn.out_proj.weight
  blocks.{i}.attn.proj.bias          D        vision_model.encoder.layers.{i}.self_attn.out_proj.bias
  blocks.{i}.norm2.weight            D        vision_model.encoder.layers.{i}.layer_norm2.weight
  blocks.{i}.norm2.bias              D        vision_model.encoder.layers.{i}.layer_norm2.bias
  blocks.{i}.mlp.fc1.weight          H,D      vision_model.encoder.layers.{i}.mlp.fc1.weight
  blocks.{i}.mlp.fc1.bias            H        vision_model.encoder.layers.{i}.mlp.fc1.bias
  blocks.{i}.mlp.fc2.weight          D,H      vision_model.encoder.layers.{i}.mlp.fc2.weight
  blocks.{i}.mlp.fc2.bias            D        vision_model.encoder.layers.{i}.mlp.fc2.bias
  norm.weight                        D        vision_model.post_layernorm.weight
  norm.bias                          D        vision_model.post_layernorm.bias
  head.weight                        E,D      visual_projection.weight`;

/**
 * Column: timm. q, k and v are thirds of one tensor, which has a row with its own shape in the
 * file.
 */
const SIGLIP2 = `
  pos_embed                          1,N,D    =
  patch_embed.proj.weight            D,3,P,P  =
  patch_embed.proj.bias              D        =
  blocks.{i}.norm1.weight            D        =
  blocks.{i}.norm1.bias              D        =
  blocks.{i}.attn.q_proj.weight      D,D      blocks.{i}.attn.qkv.weight
  blocks.{i}.attn.q_proj.bias        D        blocks.{i}.attn.qkv.bias
  blocks.{i}.attn.k_proj.weight      D,D      blocks.{i}.attn.qkv.weight
  blocks.{i}.attn.k_proj.bias        D        blocks.{i}.attn.qkv.bias
  blocks.{i}.attn.v_proj.weight      D,D      blocks.{i}.attn.qkv.weight
  blocks.{i}.attn.v_proj.bias        D        blocks.{i}.attn.qkv.bias
  blocks.{i}.attn.proj.weight        D,D      =
  blocks.{i}.attn.proj.bias          D        =
  blocks.{i}.norm2.weight            D        =
  blocks.{i}.norm2.bias              D        =
  blocks.{i}.mlp.fc1.weight          H,D      =
  blocks.{i}.mlp.fc1.bias            H        =
  blocks.{i}.mlp.fc2.weight          D,H      =
  blocks.{i}.mlp.fc2.bias            D        =
  norm.weight                        D        =
  norm.bias                          D        =
  attn_pool.latent                   1,1,D    =
  attn_pool.q.weight                 D,D      =
  attn_pool.q.bias                   D        =
  attn_pool.kv.weight                2D,D     =
  attn_pool.kv.bias                  2D       =
  attn_pool.proj.weight              D,D      =
  attn_pool.proj.bias                D        =
  attn_pool.norm.weight              D        =
  attn_pool.norm.bias                D        =
  attn_pool.mlp.fc1.weight           H,D      =
  attn_pool.mlp.fc1.bias             H        =
  attn_pool.mlp.fc2.weight           D,H      =
  attn_pool.mlp.fc2.bias             D        =`;

const TABLES = { eva02: EVA02, clip_vit: CLIP_VIT, siglip2: SIGLIP2 };

/** Lists all weights of a tower of this size. */
export function towerRows(family: keyof typeof TABLES, size: TowerSize): Row[] {
  const lines = TABLES[family].trim().split('\n');
  return lines.flatMap((line) => {
    const [canonical = '', shape = '', ...names] = line.trim().split(/\s+/);
    const blocks = canonical.includes('{i}') ? size.layers : 1;
    return Array.from({ length: blocks }, (_, i) => ({
      canonical: canonical.replace('{i}', String(i)),
      shape: shape.split(',').map((letter) => sizeOf(letter, size)),
      names: names.map((name) => (name === '=' ? canonical : name).replace('{i}', String(i))),
    }));
  });
}

function sizeOf(letter: string, size: TowerSize): number {
  if (letter === '2D') return 2 * size.D;
  return letter in size ? size[letter as keyof TowerSize] : Number(letter);
}

/** Returns the tensors in a file of the kind in `column`. */
export function stateDict(rows: Row[], column: number): NamedShapes {
  return Object.fromEntries(
    rows.map(({ canonical, shape, names }) => {
      const name = names[column] ?? '';
      if (/\.attn\.qkv\.(weight|bias)$/.test(name)) return [name, fusedShape(shape)];
      const flat =
        name.startsWith('vision_model.embeddings.') && /^(cls_token|pos_embed)$/.test(canonical);
      return [name, flat ? shape.filter((n) => n !== 1) : shape];
    }),
  );
}

/** Returns the same rows with q, k and v in one matrix and with separate biases of q and v. */
export function fusedAttention(rows: Row[]): Row[] {
  return rows.map((row) => {
    const name = row.canonical
      .replace(/\.[qkv]_proj\.weight$/, '.qkv.weight')
      .replace(/\.([qv])_proj\.bias$/, '.$1_bias');
    return { ...row, names: [name] };
  });
}

export function prefixed(prefix: string, shapes: NamedShapes): NamedShapes {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]));
}

function fusedShape([rows = 0, ...rest]: number[]): number[] {
  return [3 * rows, ...rest];
}
