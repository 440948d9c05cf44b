import { access } from 'node:fs/promises';

/** Whether something is there, a folder too. */
export async function fileExists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
