// Tests the benchmark suite as a user runs it, on the digits model without peers: what an interrupt
// leaves.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '#lib/bench/record';
import { locateLibtorch } from '#lib/runtime/locate';
import { childrenOf, stateOf, untilEnded } from './support/processes.mts';
import { temporaryFolder } from './support/temporary.mts';
import { until } from './support/until.mts';

const folder = temporaryFolder();
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const ENDLESS = ['--rounds', '1000000', '--alone', '0', '--batches', '1', '--scenarios', 'none'];
const WITHOUT_PEERS = ['--peers', 'nobody', '--threads', '1'];

for (const [signal, code, precisions] of [
  ['SIGINT', 130, ['fp32', 'bf16']],
  ['SIGTERM', 143, ['fp32']],
] as const) {
  test(`${signal} ends the suite and its contestants; the record is kept`, async () => {
    const out = join(folder, `${signal}.json`);
    const which = ['--model', 'digits', '--precisions', precisions.join(',')];
    const args = [...which, ...ENDLESS, ...WITHOUT_PEERS, '--out', out];
    const { root: libtorch } = await locateLibtorch();
    const suite = spawn(process.execPath, ['--import', 'tsx', 'bench/suite.mts', ...args], {
      cwd: ROOT,
      // Uses a cache of its own, so that the models of another suite in the user's cache are not
      // touched.
      env: {
        ...{ ...process.env, LLM2CLIP_LIBTORCH: libtorch },
        LLM2CLIP_CACHE: join(folder, 'cache'),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(suite, 'close');
    const said: string[] = [];
    for await (const line of createInterface({ input: suite.stderr })) {
      said.push(line);
      if (line.startsWith('batch 1')) break;
    }
    const contestants = childrenOf(suite.pid as number, 'bench/ours.mts');
    assert.equal(contestants.length, precisions.length, said.join('\n'));
    if (contestants.length > 1) {
      // Between two turns all contestants are stopped, or none, for a moment.
      await until(() => contestants.some((pid) => stateOf(pid) === 'T'), 'a stopped contestant');
    }
    suite.kill(signal);
    assert.deepEqual(await ended, [code, null]);
    await untilEnded(contestants);
    const report = JSON.parse(readFileSync(out, 'utf8')) as Report;
    assert.equal(report.interrupted, true);
  });
}
