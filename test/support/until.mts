import { setTimeout as sleep } from 'node:timers/promises';

/** No test waits so long for anything but what never comes. */
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
