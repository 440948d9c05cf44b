// Replaces a bundle once or for ever, and prints each time: bundle-writer.mjs OUT CONTENT BYTES
// [forever] It is plain JavaScript, so that it starts without compilation.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBundle } from '#lib/bundle/write';
import { loadNative } from '#lib/native';

const [out, content, bytes, forever] = process.argv.slice(2);
const { exchangeDirectories: exchange } = loadNative();

for (let i = 0; i === 0 || forever !== undefined; i++) {
  try {
    await writeBundle(out, { force: true, exchange }, async (folder) => {
      await mkdir(join(folder, 'vision/1'), { recursive: true });
      await writeFile(join(folder, 'vision/1/model.pt'), `new${i} ${'x'.repeat(Number(bytes))}`);
      return JSON.parse(content);
    });
    console.log('written');
  } catch (error) {
    console.log(error.code);
    process.exitCode = 1;
    break;
  }
}
