// Adds vectors one by one to an index until it is killed, and says after each how many there are; of
// one that fails and one more after it, the codes. Plain JavaScript: nothing compiles it at each start.
import { VectorIndex } from 'llm2clip';

const index = await VectorIndex.open(process.argv[2], { append: true });
for (let failed = 0; failed < 2; ) {
  try {
    const vector = Float32Array.from({ length: index.dim }, (_, i) => Math.sin(index.size + i));
    await index.add(vector, [`${index.size}`]);
    process.stdout.write(`${index.size}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`${error.code}\n`);
  }
}
