// Checks for programs that some tests need and not every machine has.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' });

/** Reason to skip tests that need pip, for node:test's `skip`. */
export const WITHOUT_PIP: string | false =
  status !== 0 && 'expected python3 with pip on the PATH, found none';
