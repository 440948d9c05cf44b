/**
 * Where a packaged Electron app keeps the real file of a path inside its archive
 * (`app.asar/x` → `app.asar.unpacked/x`): the system's loader cannot open files inside archives.
 * Other paths are returned as they are.
 */
export function unpackedTwin(path: string): string {
  return path.replace(/\.asar(?=[\\/]|$)/g, '.asar.unpacked');
}
