// Unpacks the images of handwritten digits to build/digits, where tests, benchmarks and the demo
// read them. They are hundreds of small files, which the repository holds as one archive.
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from '../command.mjs';
import { digest, isStamped, stamp } from '../stamp.mjs';

const ARCHIVE = 'test/fixtures/digits/images.zip';
const FOLDER = join(ROOT, 'build/digits');

const require = createRequire(import.meta.url);

export const digits = {
  name: 'images of digits',
  isDone() {
    return existsSync(FOLDER) && isStamped('digits', digest([ARCHIVE]));
  },
  async run() {
    const { unpackWheel } = require(join(ROOT, 'dist/runtime/unpack.js'));
    rmSync(FOLDER, { recursive: true, force: true });
    await unpackWheel(
      join(ROOT, ARCHIVE),
      FOLDER,
      () => true,
      () => {},
    );
    stamp('digits', digest([ARCHIVE]));
  },
};
