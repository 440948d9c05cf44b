// Formats numbers and names for all reports.

/** Stands for a missing value. */
export const NONE = '–';

/** Formats a number with at least three digits, and no more than needed to compare runs. */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  if (size >= 10) return value.toFixed(1);
  if (size >= 1 || size === 0) return value.toFixed(size === 0 ? 0 : 2);
  return String(Number(value.toPrecision(3)));
}

export function formatPercent(share: number | null): string {
  return share === null || !Number.isFinite(share) ? NONE : `${formatNumber(100 * share)} %`;
}

/** Formats noise as a whole percentage, rounded up. */
export function formatNoise(share: number | null): string {
  return share === null || !Number.isFinite(share) ? NONE : `± ${Math.ceil(100 * share)} %`;
}

export function formatRatio(ratio: { value: number; low: number; high: number } | null): string {
  if (ratio === null) return NONE;
  return `${ratio.value.toFixed(2)} × ${formatInterval(ratio)}`;
}

export function formatInterval({ low, high }: { low: number; high: number }): string {
  return `[${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

export function formatMebibytes(bytes: number): string {
  return formatNumber(bytes / 2 ** 20);
}

/** Formats the name of a percentile; records spell p99.9 as "p999". */
export function formatPercentile(name: string): string {
  return name === 'p999' ? 'p99.9' : name;
}

/** Formats a date as "2026-11-24 05:15 UTC". A text that is no date stays as it is. */
export function formatDate(iso: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return oneLine(iso);
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/**
 * Makes one line of a text, so that line breaks and escape codes of errors do not break a table.
 */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** Formats a count with its noun: "1 caller", "8 callers". */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}

export function formatCount(count: number): string {
  return count.toLocaleString('en');
}
