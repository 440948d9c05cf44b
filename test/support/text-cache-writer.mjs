// Puts texts PREFIX0, PREFIX1, … into a cache with a file, as another user if a UID is given.
// Prints how many texts the file holds, the cache's warnings and, at the end, how many texts were
// computed:
//   node text-cache-writer.mjs FILE PREFIX COUNT DIM MAX_ENTRIES [UID]
// It is plain JavaScript, so that it starts without compilation.
import { VectorCache } from '#lib/text/vector-cache';
import { computedOf, DIGEST } from './text-vector.mjs';

const [file, prefix, count, dim, maxEntries, uid] = process.argv.slice(2);
if (uid !== undefined) process.setuid(Number(uid));
const cache = await VectorCache.open({
  ...{ file, dim: Number(dim), maxEntries: Number(maxEntries) },
  ...{ digest: DIGEST, maxBytes: 2 ** 26 },
  logger: (level, message) => level === 'warn' && console.log(message),
});
for (let i = 0; i < Number(count); i++) {
  await computedOf(cache, Number(dim), [`${prefix}${i}`]);
  if (i % 3 !== 0) continue; // So that some writes contain several records.
  await cache.settle();
  process.stdout.write(`${i + 1}\n`);
}
await cache.settle();
console.log(`computed ${cache.stats().misses}`);
