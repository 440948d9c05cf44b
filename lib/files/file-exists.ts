import { access } from 'node:fs/promises';
import { fileSystemPath } from './path-bytes';

/** Whether a file or folder exists. */
export async function fileExists(path: string): Promise<boolean> {
  return access(fileSystemPath(path)).then(
    () => true,
    () => false,
  );
}
