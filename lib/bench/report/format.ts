// How numbers and names read in every report.

/** Where there is nothing to say. */
export const NONE = '–';

/** Three digits or more, as few as tell runs apart. */
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

/** Whole percents, rounded up: it is no finer than that. */
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

/** "p999" is how records spell p99.9. */
export function formatPercentile(name: string): string {
  return name === 'p999' ? 'p99.9' : name;
}

/** "2026-11-24 05:15 UTC"; what is no date stays as it is. */
export function formatDate(iso: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return oneLine(iso);
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Errors of others end up in records: their line breaks and escape codes must not break a table. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** "1 caller", "8 callers". */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}

export function formatCount(count: number): string {
  return count.toLocaleString('en');
}
