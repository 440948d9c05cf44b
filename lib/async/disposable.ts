// For programs whose compiler does not know it: before TypeScript 5.2, and where the default library
// is not the newest. The same declaration as TypeScript's own and @types/node's.
declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

export {};
