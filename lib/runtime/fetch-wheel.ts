import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { downloadWheel } from './download';
import type { WheelPin } from './pins';
import { type UnpackedFile, unpackWheel } from './unpack';

export interface InstallProgress {
  step: 'download' | 'unpack';
  package: string;
  bytes: number;
  totalBytes: number;
}

/** What to unpack from a wheel. */
export interface Selection {
  libraries: boolean;
  headers: boolean;
  /** Command that an error suggests to run again. */
  command: string;
  onProgress: (progress: InstallProgress) => void;
}

/**
 * Downloads a wheel into `staging`, unpacks the selection to `content` and removes the wheel.
 *
 * @returns the unpacked libraries
 */
export async function fetchWheel(
  { libraries, headers, command, onProgress }: Selection,
  wheel: WheelPin,
  staging: string,
  content: string,
): Promise<UnpackedFile[]> {
  const report = (step: InstallProgress['step'], bytes: number, totalBytes: number) =>
    onProgress({ step, package: wheel.package, bytes, totalBytes });
  const downloads = join(staging, 'download');
  const path = await downloadWheel(wheel, downloads, command, (bytes) =>
    report('download', Math.min(bytes, wheel.bytes), wheel.bytes),
  );
  const isLibrary = (name: string) => libraries && wheel.files.includes(name);
  const isHeader = (name: string) =>
    headers && wheel.headers !== undefined && name.startsWith(`${wheel.headers}/`);
  const wanted = (name: string) => isLibrary(name) || isHeader(name);
  let unpacked = 0;
  const files = await unpackWheel(path, content, wanted, (bytes) => {
    unpacked += bytes;
    report('unpack', unpacked, Math.max(unpacked, wheel.unpackedBytes));
  });
  await rm(downloads, { recursive: true });
  const found = files.filter((file) => isLibrary(file.path));
  if (libraries) requireFiles(wheel, found);
  return found;
}

function requireFiles(wheel: WheelPin, found: UnpackedFile[]): void {
  const names = new Set(found.map((file) => file.path));
  const missing = wheel.files.find((name) => !names.has(name));
  if (missing === undefined) return;
  throw new LLM2CLIPError(
    'ERR_INSTALL_FAILED',
    `expected ${missing} in ${wheel.package} ${wheel.version}, found none`,
  );
}
