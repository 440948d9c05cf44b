/** Caches the results of `make` by its arguments, which must be plain data. */
export function once<Of extends readonly unknown[], T>(make: (...of: Of) => T): (...of: Of) => T {
  const made = new Map<string, T>();
  return (...of) => {
    const key = JSON.stringify(of);
    if (!made.has(key)) made.set(key, make(...of));
    return made.get(key) as T;
  };
}
