import { randomNumbers } from './random';

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** The q-th quantile, between neighbours where it falls between them; NaN of none. */
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

/**
 * A statistic of samples with its 95 % interval by the percentile bootstrap (Efron 1979): what it
 * would be, had other rounds of the same kind been measured.
 */
export function bootstrap<T>(samples: readonly T[], statistic: (samples: T[]) => number): Interval {
  const random = randomNumbers(1);
  const draw = () => samples[Math.floor(random() * samples.length)] as T;
  const resampled = Array.from({ length: RESAMPLES }, () => statistic(samples.map(draw)));
  const tail = (1 - CONFIDENCE) / 2;
  return {
    value: statistic([...samples]),
    low: quantile(resampled, tail),
    high: quantile(resampled, 1 - tail),
  };
}

/** The median of b / a over rounds in which both ran one after the other. */
export function pairedRatio(a: readonly number[], b: readonly number[]): Interval {
  const pairs = a.map((x, i) => (b[i] as number) / x);
  return bootstrap(pairs, median);
}
