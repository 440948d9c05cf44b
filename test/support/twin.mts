import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The program that runs the GPU's operators on the CPU, with twins of the kernels. */
export const TWIN = fileURLToPath(new URL('../../build/Release/tests/twin', import.meta.url));

if (!existsSync(TWIN)) {
  throw new Error(`expected ${TWIN}, found none: \`npm run test:long\` builds it`);
}
