// Replaces a bundle once or for ever, saying so each time: bundle-writer.mts OUT BYTES [forever]
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBundle } from '#lib/bundle/write';
import { loadNative } from '#lib/native';

const [out = '', bytes = '0', forever] = process.argv.slice(2);
const { exchangeDirectories: exchange } = loadNative();

for (let i = 0; i === 0 || forever !== undefined; i++) {
  try {
    await writeBundle(out, { force: true, exchange }, async (folder) => {
      await mkdir(join(folder, 'vision/1'), { recursive: true });
      await writeFile(join(folder, 'vision/1/model.pt'), `new${i} ${'x'.repeat(Number(bytes))}`);
      return {
        model: { family: 'eva02', imageSize: 56, embeddingDim: 64 },
        preprocessing: { size: 56, resample: 'bicubic', mean: [0.5, 0.5, 0.5], std: [1, 1, 1] },
        engine: { kind: 'torchscript', flavour: 'native', version: '2.11.0', operators: 1 },
        precision: 'fp32',
        batch: { max: 8 },
        computeCapabilities: [],
        parts: { vision: 'vision/1/model.pt' },
        builtBy: { llm2clip: '0.1.0', platform: 'linux-x64' },
        source: null,
        parameters: 0,
      };
    });
    console.log('written');
  } catch (error) {
    console.log((error as { code: string }).code);
    process.exitCode = 1;
    break;
  }
}
