import { setTimeout as sleep } from 'node:timers/promises';

/** Time-out of a condition, longer than any test has to wait. */
const HANG_MS = 120_000;

/** Waits until the condition holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + HANG_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`expected ${what}, waited for ${HANG_MS} ms`);
    await sleep(1);
  }
}
