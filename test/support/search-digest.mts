// Prints the results of searches in each storage, so that test/search.test.mts can compare kernels:
// for int8 all bits, for the others the order of vectors with clearly different scores.
import { VectorIndex } from 'llm2clip';
import { coarseVectors, unitVectors } from './search-vectors.mts';

for (const dim of [7, 63, 1280]) {
  for (const storage of ['fp32', 'fp16', 'int8'] as const) {
    await using index = VectorIndex.create({ dim, storage });
    await index.add(storage === 'int8' ? unitVectors(500, dim, 1) : coarseVectors(500, dim, 1));
    const query = storage === 'int8' ? unitVectors(1, dim, 2) : coarseVectors(1, dim, 2);
    const { ids, scores } = await index.search(query, { k: 50 });
    console.log(dim, storage, ids.join(' '), Array.from(scores).join(' '));
  }
}
