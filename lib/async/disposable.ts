// Declares Symbol.asyncDispose for programs whose TypeScript does not know it: versions before 5.2,
// or an older `lib` setting. TypeScript and @types/node declare it in the same way.
declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

export {};
