/** Mean and deviation of the numbers of one weight. */
export interface Scale {
  mean: number;
  deviation: number;
}

/**
 * Of a tower that behaves like a trained one: each operation keeps its input's scale, attention is
 * sharp enough to look at what is in the picture, and what all pictures share (class token,
 * positions) is small beside it.
 */
export function scaleOf(canonical: string, shape: readonly number[]): Scale {
  if (/(^|\.)(norm\w*|\w+_ln|\w+_layernorm)\.weight$/.test(canonical))
    return { mean: 1, deviation: 0.1 };
  if (canonical.endsWith('.bias')) return { mean: 0, deviation: 0.05 };
  if (canonical === 'cls_token' || canonical === 'pos_embed') return { mean: 0, deviation: 0.1 };
  if (canonical === 'embed_tokens.weight') return { mean: 0, deviation: 1 };
  if (canonical === 'attn_pool.latent') return { mean: 0, deviation: 1 };
  const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
  const gain = /\.[qk]_proj\.weight$|attn_pool\.q\.weight$/.test(canonical) ? 1.5 : 1;
  return { mean: 0, deviation: gain / Math.sqrt(inputs) };
}
