import { setImmediate } from 'node:timers';

// Kept when the library is loaded: test runners put timers in its place that never fire by
// themselves, in the global object and in Node's modules.
const later = setImmediate;

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    later(resolve);
  });
}
