// Runs the tests of what is served, or those called as the arguments say, on the device that
// LLM2CLIP_TEST_DEVICE names: node --import tsx suite.mjs [NAME…]. What happens is told on stderr, how
// it ended on stdout, as JSON.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';
import { ROOT } from '../command.mjs';
import { Summary } from './summary.mjs';

/** What loads models and serves them; formats, files and the command's words need no GPU. */
const SERVED = [
  'buffers',
  'deadline',
  'digits',
  'engine',
  'exit',
  'full-size',
  'model',
  'on-device',
  'parity',
  'patches',
  'serving',
  'text',
  'text-cache-model',
  'workers',
  'zero-shot',
];
const SUFFIX = '.test.mts';
/** Files at once: each is a process with a few models in the memory of one GPU. */
const CONCURRENCY = 4;

const wanted = process.argv.length > 2 ? process.argv.slice(2) : SERVED;
const present = readdirSync(join(ROOT, 'test'));
const missing = wanted.filter((name) => !present.includes(`${name}${SUFFIX}`));
if (missing.length > 0) {
  console.error(`expected tests called ${missing.join(', ')} in test/, found none`);
  process.exit(2);
}
const files = wanted.map((name) => join(ROOT, 'test', `${name}${SUFFIX}`));
const events = run({ files, concurrency: CONCURRENCY });
const summary = new Summary(events);
events.compose(new Spec()).pipe(process.stderr);
// Whoever stops it has what was done.
process.once('SIGTERM', () => {
  console.log(JSON.stringify(summary.record(), null, 2));
  process.exit(1);
});
events.once('end', () => {
  const record = summary.record();
  console.log(JSON.stringify(record, null, 2));
  process.exitCode = record.failed > 0 || record.passed === 0 ? 1 : 0;
});
