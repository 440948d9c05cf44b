/** The mean and deviation of the elements of one weight. */
export interface Scale {
  mean: number;
  deviation: number;
}

/**
 * Returns scales with which a tower behaves like a trained one: each operation keeps the scale of
 * its input, attention is sharp enough to depend on the content of the image, and the parts that
 * all images share (class token, positions) are small in comparison.
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
