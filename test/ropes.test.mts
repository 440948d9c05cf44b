// Tests towers whose attentions have different RoPE angles and head widths.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRopeEngines } from './support/rope-engines.mts';
import { temporaryFolder } from './support/temporary.mts';

test('both flavours keep the angles of each attention, for texts and images', async () => {
  const lines = await buildRopeEngines(temporaryFolder());
  assert.equal(lines.length, 4);
  for (const line of lines) assert.match(line, /^ok /);
});
