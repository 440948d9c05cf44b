// Attentions of one tower may turn by different angles, in heads of different widths.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRopeEngines } from './support/rope-engines.mts';
import { temporaryFolder } from './support/temporary.mts';

test('both flavours keep the angles of each attention, of texts and of images', async () => {
  const lines = await buildRopeEngines(temporaryFolder());
  assert.equal(lines.length, 4);
  for (const line of lines) assert.match(line, /^ok /);
});
