import { type Binding, DIMENSION_SYMBOLS, type DimensionSymbol, type Size } from './layout';

/** What a letter of the canonical shapes stands for: 0 for one that a family does not have. */
export interface Dimension {
  size: number;
  /** The first tensor of the checkpoint that has this size, for messages. */
  witness: string;
}

export type Dimensions = Readonly<Record<DimensionSymbol, Dimension>>;

interface Vote extends Dimension {
  count: number;
}

/**
 * Reads the dimensions off the tensors. Where they disagree the majority is believed, so that a
 * misshapen tensor is the one that gets named.
 */
export function inferDimensions(bindings: readonly Binding[]): Dimensions {
  const votes = new Map<Size, Map<number, Vote>>();
  for (const { tensor, source, entry } of bindings) {
    if (typeof source !== 'string') continue;
    // A file may leave out leading ones of the canonical shape, so both are read from the end.
    for (let i = 1; i <= Math.min(tensor.shape.length, entry.shape.length); i++) {
      const symbol = tensor.shape.at(-i) ?? 0;
      const size = entry.shape.at(-i) ?? 0;
      const ofSymbol = votes.get(symbol) ?? new Map<number, Vote>();
      const vote = ofSymbol.get(size) ?? { size, witness: entry.name, count: 0 };
      votes.set(symbol, ofSymbol.set(size, { ...vote, count: vote.count + 1 }));
    }
  }
  const winner = (symbol: DimensionSymbol): Dimension =>
    [...(votes.get(symbol)?.values() ?? [])].reduce((a, b) => (b.count > a.count ? b : a), {
      size: 0,
      witness: '',
      count: 0,
    });
  const found = DIMENSION_SYMBOLS.map((symbol) => [symbol, winner(symbol)]);
  return Object.fromEntries(found) as Dimensions;
}

/** The dimension a size of a canonical shape is, or is twice; none for a plain number. */
export function dimensionOf(size: Size, dimensions: Dimensions): Dimension | undefined {
  if (typeof size === 'number') return undefined;
  return dimensions[size === '2D' ? 'D' : size];
}

export function resolveShape(shape: readonly Size[], dimensions: Dimensions): number[] {
  return shape.map((size) => {
    if (typeof size === 'number') return size;
    return size === '2D' ? 2 * dimensions.D.size : dimensions[size].size;
  });
}
