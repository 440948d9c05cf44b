// Loads a bundle and prints the precision in which it computes and the memory that it takes, in
// bytes. A small bundle is loaded first, so that libtorch is not counted: loader.mts BUNDLE SMALL
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LLM2CLIP } from 'llm2clip';
import { digits } from './digits.mts';

/** Returns the resident memory of this process, now or at its peak. */
function resident(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
}

const [bundle = '', small = ''] = process.argv.slice(2);
const first = await LLM2CLIP.load(small);
await first.encodeImage(digits('gallery')[0] as string);
await first.dispose();
const before = resident('VmRSS');

const model = await LLM2CLIP.load(bundle, { threads: 2 });
const loaded = resident('VmRSS') - before;
const peak = resident('VmHWM') - before;
const { precision } = model.info;
await model.dispose();
// The engine's thread ends and frees the weights in the background.
for (let i = 0; i < 10_000 && resident('VmRSS') - before > loaded / 100; i++) await sleep(1);
console.log(JSON.stringify({ precision, loaded, peak, disposed: resident('VmRSS') - before }));
