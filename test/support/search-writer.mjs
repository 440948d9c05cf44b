// Adds vectors to an index one by one until it is killed, and prints the number of vectors after
// each. If adding fails, it prints the error codes of that call and of one more. It is plain
// JavaScript, so that it starts without compilation.
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
