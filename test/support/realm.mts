// Loads a package as jest does: its modules run in a context with its own globals, including timers
// that never fire, while Node's modules and native addons are those of the process.
import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import vm from 'node:vm';

export interface Realm {
  /** Evaluates code in the context. */
  evaluate<T>(code: string): T;
  require<T>(path: string): T;
}

/** Timers of a test runner that replace the real ones. */
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
    // jest takes these from outside.
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
