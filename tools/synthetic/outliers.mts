// "Massive activations" (Sun et al., arXiv 2402.17762): on many tokens, one hidden unit of one
// layer is a thousand times larger than the others. It writes to one channel of the residual
// stream, and the following norms scale the channel down.

const LAYER = 0;
const UNIT = 5;
const CHANNEL = 7;
const GAIN = 30;
const HELD = 0.01;

/** Returns the factor for the element in this row and column. */
export type Rescale = (row: number, column: number) => number;

/** Returns the scaling that gives a language model's weight its outlier, or null for no change. */
export function outlierScale(canonical: string): Rescale | null {
  const mlp = `layers.${LAYER}.mlp.`;
  if (canonical === `${mlp}gate_proj.weight` || canonical === `${mlp}up_proj.weight`)
    return (row) => (row === UNIT ? GAIN : 1);
  if (canonical === `${mlp}down_proj.weight`)
    return (row, column) => (column === UNIT && row !== CHANNEL ? 0 : 1);
  const isBehind = /norm\.weight$/.test(canonical) && !canonical.startsWith(`layers.${LAYER}.`);
  return isBehind ? (_, column) => (column === CHANNEL ? HELD : 1) : null;
}

/** Rescales rows of `columns` columns, in f32. */
export function rescaled(
  pieces: Iterable<Uint8Array>,
  columns: number,
  rescale: Rescale,
): Uint8Array {
  const bytes = Buffer.concat([...pieces]);
  for (let i = 0; i < bytes.length / 4; i++) {
    const factor = rescale(Math.floor(i / columns), i % columns);
    bytes.writeFloatLE(factor * bytes.readFloatLE(4 * i), 4 * i);
  }
  return bytes;
}
