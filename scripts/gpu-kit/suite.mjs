// Runs tests on the device that LLM2CLIP_TEST_DEVICE names: node --import tsx suite.mjs SHARE|NAME…
// A SHARE is a list in shares.json, a NAME a file in test/ without its ending. The result goes to
// stdout as JSON, and progress to stderr.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';
import { ROOT } from '../command.mjs';
import { Summary } from './summary.mjs';

/**
 * The tests that load models on the device, grouped by what they decide. scripts/gpu-check/steps.sh
 * has a step for each share. Tests of formats and commands, and tests over the fake engine, need no
 * GPU.
 */
const SHARES = JSON.parse(readFileSync(new URL('shares.json', import.meta.url), 'utf8'));
const SUFFIX = '.test.mts';
/**
 * Files at once. Each is a process whose engine and decoder need cores, with models on the same
 * GPU.
 */
const CONCURRENCY = Math.max(2, Math.floor(availableParallelism() / 2));

const wanted = process.argv.slice(2).flatMap((name) => SHARES[name] ?? name);
const present = readdirSync(join(ROOT, 'test'));
const missing = wanted.filter((name) => !present.includes(`${name}${SUFFIX}`));
if (wanted.length === 0 || missing.length > 0) {
  const shares = Object.keys(SHARES).join(', ');
  console.error(`expected ${shares} or tests of test/, found ${missing.join(', ') || 'nothing'}`);
  process.exit(2);
}
const files = wanted.map((name) => join(ROOT, 'test', `${name}${SUFFIX}`));
const events = run({ files, concurrency: CONCURRENCY });
const summary = new Summary(events);
events.compose(new Spec()).pipe(process.stderr);
// When this is stopped, it prints what was done. `on` instead of `once`, because a second signal
// would end the process while it prints.
process.on('SIGTERM', () => {
  console.log(JSON.stringify(summary.record(), null, 2));
  process.exit(1);
});
events.once('end', () => {
  const record = summary.record();
  console.log(JSON.stringify(record, null, 2));
  process.exitCode = record.failed > 0 || record.passed === 0 ? 1 : 0;
});
