// Provides nvcc: an installed one of CUDA 13 (CUDA_HOME, PATH), or the compiler's wheels in this
// user's cache. Building needs nothing of the CUDA runtime.
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { capture, ROOT, which } from '../command.mjs';

const require = createRequire(import.meta.url);

const VERSION = '13.0.88';

/** The wheels with nvcc. Unpacked into one folder, they form a toolkit. */
const WHEELS = [
  {
    package: 'nvidia-cuda-nvcc',
    version: '13.0.88',
    platform: 'manylinux_2_17_x86_64',
    sha256: '56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03',
  },
  {
    package: 'nvidia-nvvm',
    version: '13.0.88',
    platform: 'manylinux_2_12_x86_64',
    sha256: 'c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0',
  },
  {
    package: 'nvidia-cuda-crt',
    version: '13.0.88',
    platform: 'manylinux_2_17_x86_64',
    sha256: '2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4',
  },
  {
    package: 'nvidia-cuda-runtime',
    version: '13.0.96',
    platform: 'manylinux_2_17_x86_64',
    sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
  },
  {
    package: 'nvidia-cuda-cccl',
    version: '13.0.85',
    platform: 'manylinux_2_17_x86_64',
    sha256: 'e0da7ad981f3a8aff08241b5bfc1af868742a63e2762f53a5171c492ef242649',
  },
];

/** This step runs only with --cuda, because it fetches 105 MB. */
export const cudaToolkit = {
  name: "CUDA's compiler",
  async isDone() {
    return (await findNvcc()) !== undefined;
  },
  async run() {
    const { createStaging, publish, sweepStaging, syncFileSystem } = require(
      join(ROOT, 'dist/files/staging.js'),
    );
    const target = cachedToolkit();
    mkdirSync(join(target, '..'), { recursive: true });
    await sweepStaging(target);
    const staging = await createStaging(target);
    try {
      const content = join(staging, 'content');
      for (const wheel of WHEELS) await unpack(wheel, staging, content);
      makeRunnable(content);
      await syncFileSystem(content);
      await publish(content, target);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  },
};

/** Returns the nvcc to build with, or undefined. */
export async function findNvcc() {
  const installed = process.env.CUDA_HOME && join(process.env.CUDA_HOME, 'bin/nvcc');
  for (const nvcc of [installed, which('nvcc')]) {
    if (nvcc && (await isCuda13(nvcc))) return nvcc;
  }
  const cached = join(cachedToolkit(), 'nvidia/cu13/bin/nvcc');
  return existsSync(cached) ? cached : undefined;
}

async function isCuda13(nvcc) {
  const answer = await capture(nvcc, ['--version']).catch(() => '');
  return /release 13\./.test(answer);
}

function cachedToolkit() {
  const { cacheFolder } = require(join(ROOT, 'dist/runtime/cache.js'));
  return join(cacheFolder(), `cuda-toolkit-${VERSION}`);
}

async function unpack(wheel, staging, content) {
  const { downloadWheel } = require(join(ROOT, 'dist/runtime/download.js'));
  const { unpackWheel } = require(join(ROOT, 'dist/runtime/unpack.js'));
  const downloads = join(staging, 'download');
  const ignore = () => undefined;
  const path = await downloadWheel(wheel, downloads, ignore);
  await unpackWheel(path, content, (name) => name.startsWith('nvidia/'), ignore);
  rmSync(downloads, { recursive: true });
}

/** Unpacking a wheel does not set the executable bits. */
function makeRunnable(content) {
  for (const folder of ['bin', 'nvvm/bin']) {
    const path = join(content, 'nvidia/cu13', folder);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isFile()) chmodSync(join(path, entry.name), 0o755);
    }
  }
}
