/**
 * Returns where a packaged Electron app has the unpacked file of a path inside its archive
 * (`app.asar/x` → `app.asar.unpacked/x`), because the system's loader cannot open files in
 * archives. Other paths are returned unchanged.
 */
export function unpackedTwin(path: string): string {
  return path.replace(/\.asar(?=[\\/]|$)/g, '.asar.unpacked');
}
