// Embeds images with a bundle, prints the embedding of the first and how its engine file lies in
// memory, and ends when its input ends: embed-and-wait.mjs BUNDLE IMAGE…
// It is plain JavaScript, so that it starts without compilation.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { LLM2CLIP } from 'llm2clip';

const [bundle, ...images] = process.argv.slice(2);
const model = await LLM2CLIP.load(bundle, { threads: 2 });
const { row } = await model.encodeImages(images);

/** The mapping of the engine file, in the words of proc(5). */
function mapping() {
  const all = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const found = all.find((one) => one.split('\n')[0].includes('model.safetensors')) ?? '';
  const kilobytes = (name) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(found)?.[1]);
  return {
    permissions: found.split(' ')[1],
    resident: kilobytes('Rss'),
    share: kilobytes('Pss'),
    dirty: kilobytes('Private_Dirty') + kilobytes('Shared_Dirty'),
  };
}

const libraries = readFileSync('/proc/self/maps', 'utf8').match(/lib(torch|gomp|c10)\S*/g) ?? [];
console.log(JSON.stringify({ embedding: [...row(0)], libraries, kernels: model.info.kernels }));
// Each further line of input asks for the mapping again.
for await (const _ of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(mapping()));
}
