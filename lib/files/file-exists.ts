import { access } from 'node:fs/promises';
import { fileSystemPath } from './path-bytes';

/** Whether something is there, a folder too. */
export async function fileExists(path: string): Promise<boolean> {
  return access(fileSystemPath(path)).then(
    () => true,
    () => false,
  );
}
