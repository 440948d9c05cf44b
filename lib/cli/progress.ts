import { shownName } from './terminal-text';

const CLEAR_LINE = '\r\x1b[K';
const BAR_WIDTH = 24;
/** Shortest time between two updates; nobody can read a terminal faster. */
const MILLISECONDS_BETWEEN = 100;

/** Overwrites the progress line. It prints nothing if stderr is not a terminal. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${CLEAR_LINE}${shownName(text)}`);
}

export function clearProgress(): void {
  showProgress('');
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A progress bar for `total` items, with their rate and the remaining time. */
export class ProgressBar {
  readonly #total: number;
  readonly #started = performance.now();
  #shown = Number.NEGATIVE_INFINITY;

  constructor(total: number) {
    this.#total = total;
  }

  show(done: number): void {
    const now = performance.now();
    if (now - this.#shown < MILLISECONDS_BETWEEN) return;
    this.#shown = now;
    const perSecond = (1000 * done) / (now - this.#started);
    const full = Math.round((BAR_WIDTH * done) / this.#total);
    const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
    const left = duration((this.#total - done) / perSecond);
    const rate = perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1);
    showProgress(`${bar} ${done} of ${this.#total}, ${rate}/s, ${left} left`);
  }
}
