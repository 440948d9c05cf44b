import { randomNumbers } from './random';

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** Returns the q-th quantile, with linear interpolation; NaN if there are no values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const [below, above] = [
    sorted[Math.floor(at)] ?? Number.NaN,
    sorted[Math.ceil(at)] ?? Number.NaN,
  ];
  return below + (at - Math.floor(at)) * (above - below);
}

export interface Interval {
  value: number;
  low: number;
  high: number;
}

const RESAMPLES = 2000;
const CONFIDENCE = 0.95;

/** Returns the bootstrap's 95 % interval of a statistic: the middle 95 % of the draws. */
function interval(value: number, drawn: readonly number[]): Interval {
  const tail = (1 - CONFIDENCE) / 2;
  return { value, low: quantile(drawn, tail), high: quantile(drawn, 1 - tail) };
}

function drawing(random: () => number) {
  return (values: readonly number[]) =>
    values.map(() => values[Math.floor(random() * values.length)] as number);
}

/** Returns the median of b / a over rounds in which both ran in turn (bootstrap over rounds). */
export function pairedRatio(a: readonly number[], b: readonly number[]): Interval {
  const pairs = a.map((x, i) => (b[i] as number) / x);
  const draw = drawing(randomNumbers(1));
  return interval(
    median(pairs),
    Array.from({ length: RESAMPLES }, () => median(draw(pairs))),
  );
}

/**
 * Returns the median of b divided by that of a, measured at different times (bootstrap over each).
 */
export function ratioOfMedians(a: readonly number[], b: readonly number[]): Interval {
  const draw = drawing(randomNumbers(1));
  const ratio = (x: readonly number[], y: readonly number[]) => median(y) / median(x);
  return interval(
    ratio(a, b),
    Array.from({ length: RESAMPLES }, () => ratio(draw(a), draw(b))),
  );
}
