// Adds vectors one by one to an index until it is killed, and says after each how many there are; of
// one that fails and one more after it, the codes.
import { VectorIndex } from 'llm2clip';
import { unitVectors } from './search-vectors.mts';

const index = await VectorIndex.open(process.argv[2] as string, { append: true });
for (let failed = 0; failed < 2; ) {
  try {
    await index.add(unitVectors(1, index.dim, index.size), [`${index.size}`]);
    process.stdout.write(`${index.size}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`${(error as { code: string }).code}\n`);
  }
}
