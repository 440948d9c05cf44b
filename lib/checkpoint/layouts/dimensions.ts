import { type Binding, DIMENSION_SYMBOLS, type DimensionSymbol, type Size } from './layout';

/** The size that a letter of the canonical shapes stands for; 0 if the family does not have it. */
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
 * Reads the dimensions from the shapes of the tensors. If they disagree, the majority wins, so that
 * the error names the misshapen tensor.
 */
export function inferDimensions(bindings: readonly Binding[]): Dimensions {
  const votes = new Map<Size, Map<number, Vote>>();
  for (const { tensor, source, entry } of bindings) {
    if (typeof source !== 'string') continue;
    // A file may omit leading ones of the canonical shape, so compare from the end.
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

/** Returns the dimension that a size refers to, or undefined for a number. */
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
