// A package loaded as jest loads it: its modules run in a context with globals of its own, timers
// among them that never fire, while Node's modules and native addons are the process's.
import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import vm from 'node:vm';

export interface Realm {
  /** The context's own globals. */
  evaluate<T>(code: string): T;
  require<T>(path: string): T;
}

/** Timers that a test runner has put in the place of the real ones. */
const FAKE_TIMERS = {
  ...{ setTimeout: () => 0, setInterval: () => 0, setImmediate: () => 0 },
  ...{ clearTimeout() {}, clearInterval() {}, clearImmediate() {}, queueMicrotask() {} },
  performance: { now: () => 0 },
};

export function createRealm(): Realm {
  const process = Object.create(globalThis.process, { nextTick: { value: () => undefined } });
  const { Buffer, console, AbortController, AbortSignal, structuredClone, URL } = globalThis;
  const context = vm.createContext({
    ...{ process, Buffer, console, AbortController, AbortSignal, structuredClone, URL },
    // Those that jest takes from outside.
    ...{ ArrayBuffer, Uint8Array, ...FAKE_TIMERS },
  });
  const modules = new Map<string, { exports: unknown }>();
  const load = (path: string): unknown => {
    const known = modules.get(path);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as unknown };
    modules.set(path, module);
    const outside = createRequire(path);
    const inside = (name: string): unknown => {
      const found = isBuiltin(name) ? name : outside.resolve(name);
      const own =
        found.endsWith('.js') && found.includes('/dist/') && !found.includes('/node_modules/');
      return own ? load(found) : outside(name);
    };
    const require = Object.assign(inside, { resolve: outside.resolve });
    const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'utf8')}\n})`;
    const run = vm.runInContext(source, context, { filename: path });
    run(module.exports, require, module, path, dirname(path));
    return module.exports;
  };
  return {
    evaluate: (code) => vm.runInContext(code, context),
    require: <T,>(path: string) => load(path) as T,
  };
}
