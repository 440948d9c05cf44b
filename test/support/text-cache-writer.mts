// Puts texts PREFIX0, PREFIX1, … into a cache with a file, says how many the file holds, what the
// cache warns of, and in the end how many were computed; as another user, if given:
//   node --import tsx text-cache-writer.mts FILE PREFIX COUNT DIM MAX_ENTRIES [UID]
import { computedOf, openCache } from './text-vectors.mts';

const [file = '', prefix = '', count, dim, maxEntries, uid] = process.argv.slice(2);
if (uid !== undefined) process.setuid?.(Number(uid));
const cache = await openCache({
  ...{ file, dim: Number(dim), maxEntries: Number(maxEntries) },
  logger: (level, message) => level === 'warn' && console.log(message),
});
for (let i = 0; i < Number(count); i++) {
  await computedOf(cache, Number(dim), [`${prefix}${i}`]);
  if (i % 3 !== 0) continue; // several records in a write, now and then
  await cache.settle();
  process.stdout.write(`${i + 1}\n`);
}
await cache.settle();
console.log(`computed ${cache.stats().misses}`);
