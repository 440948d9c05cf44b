import type { Binding } from './bind';
import type { Size } from './layout';

type DimensionSymbol = 'D' | 'H' | 'E' | 'P' | 'N';

/** What the letters of the canonical shapes stand for; 0 for one that a family does not have. */
export type Dimensions = Readonly<Record<DimensionSymbol, number>>;

/**
 * Reads the dimensions off the tensors. Where they disagree the majority is believed, so that a
 * misshapen tensor is the one that gets named.
 */
export function inferDimensions(bindings: readonly Binding[]): Dimensions {
  const votes = new Map<Size, Map<number, number>>();
  for (const { tensor, source, entry } of bindings) {
    if (typeof source !== 'string') continue;
    // A file may leave out leading ones of the canonical shape, so both are read from the end.
    for (let i = 1; i <= Math.min(tensor.shape.length, entry.shape.length); i++) {
      const size = tensor.shape.at(-i) ?? 0;
      const found = entry.shape.at(-i) ?? 0;
      const counts = votes.get(size) ?? new Map<number, number>();
      votes.set(size, counts.set(found, (counts.get(found) ?? 0) + 1));
    }
  }
  const winner = (symbol: DimensionSymbol): number => {
    const counts = [...(votes.get(symbol) ?? [])];
    return counts.reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])[0];
  };
  return { D: winner('D'), H: winner('H'), E: winner('E'), P: winner('P'), N: winner('N') };
}

export function resolveShape(shape: readonly Size[], dimensions: Dimensions): number[] {
  return shape.map((size) => {
    if (typeof size === 'number') return size;
    return size === '2D' ? 2 * dimensions.D : dimensions[size];
  });
}
