// Loads a bundle, embeds an image twice, prints how long that took and what the process holds, and
// ends when its input ends: node bench/startup-process.mjs BUNDLE IMAGE THREADS
// It is plain JavaScript, so that the time since the start of the process contains no compilation.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { LLM2CLIP } from 'llm2clip';

const [bundle, image, threads] = process.argv.slice(2);
const at = [performance.now()];
const model = await LLM2CLIP.load(bundle, { threads: Number(threads) });
at.push(performance.now());
await model.encodeImage(image);
at.push(performance.now());
await model.encodeImage(image);
at.push(performance.now());

/** Bytes of the process by the kinds of proc(5). */
function memory() {
  const said = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const bytes = (kind) => 1024 * Number(new RegExp(`^${kind}: +(\\d+) kB$`, 'm').exec(said)[1]);
  return { resident: bytes('Rss'), share: bytes('Pss'), dirty: bytes('Private_Dirty') };
}

const [imported, loaded, first, second] = at;
console.log(
  JSON.stringify({
    importMs: imported,
    loadMs: loaded - imported,
    startToEmbeddingMs: first,
    secondMs: second - first,
    ...memory(),
  }),
);
// Another process may have loaded the same weights meanwhile.
process.stdin.resume();
await once(process.stdin, 'end');
console.log(JSON.stringify(memory()));
process.exit(0);
