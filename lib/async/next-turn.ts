import { setImmediate } from 'node:timers';

// Fake timers of test runners, which replace the function in the global object and in Node's
// modules, never fire by themselves. So the real function is kept when the library is loaded.
const later = setImmediate;

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    later(resolve);
  });
}
