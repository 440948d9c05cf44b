const CLEAR_LINE = '\r\x1b[K';

/** One line that is written over; on a terminal only, else nothing. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${CLEAR_LINE}${text}`);
}

export function clearProgress(): void {
  showProgress('');
}
