// "Massive activations" (Sun et al., arXiv 2402.17762): one hidden unit of one layer is a thousand
// times the others on many tokens and writes to one channel of the residual stream, which the norms
// behind it hold down.

const LAYER = 0;
const UNIT = 5;
const CHANNEL = 7;
const GAIN = 30;
const HELD = 0.01;

/** By its row and column, what an element is multiplied by. */
export type Rescale = (row: number, column: number) => number;

/** What gives a weight of a language model its outlier; null: it stays as it is. */
export function outlierScale(canonical: string): Rescale | null {
  const mlp = `layers.${LAYER}.mlp.`;
  if (canonical === `${mlp}gate_proj.weight` || canonical === `${mlp}up_proj.weight`)
    return (row) => (row === UNIT ? GAIN : 1);
  if (canonical === `${mlp}down_proj.weight`)
    return (row, column) => (column === UNIT && row !== CHANNEL ? 0 : 1);
  const isBehind = /norm\.weight$/.test(canonical) && !canonical.startsWith(`layers.${LAYER}.`);
  return isBehind ? (_, column) => (column === CHANNEL ? HELD : 1) : null;
}

/** Rows of so many columns, in f32. */
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
