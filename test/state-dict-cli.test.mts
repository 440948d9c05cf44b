// Tests what `convert` and `inspect` report about a checkpoint with several state dicts.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Manifest } from 'llm2clip';
import { llm2clip } from './support/cli.mts';
import { stateDict, towerRows } from './support/layout-names.mts';
import { PickleWriter } from './support/pickle-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { writeArchive } from './support/torch-writer.mts';

const folder = temporaryFolder();
const SIZE = { D: 64, H: 170, E: 6, P: 14, N: 5 };

/**
 * Writes a checkpoint with a tower under each key, with this number of layers. All weights are
 * zero.
 */
function checkpoint(layersByKey: Record<string, number>): string {
  const path = join(folder, 'several.pt');
  const pickle = new PickleWriter().emptyDict().mark();
  for (const [key, layers] of Object.entries(layersByKey)) {
    pickle.string(key).emptyDict().mark();
    for (const [name, shape] of Object.entries(
      stateDict(towerRows('eva02', { ...SIZE, layers }), 0),
    )) {
      const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
      pickle.string(`visual.${name}`);
      pickle.tensor({ type: 'FloatStorage', key: '0', elements: 1 << 16, shape, strides });
    }
    pickle.setItems();
  }
  const bytes = 4 << 16;
  const record = { name: 'data/0', data: new Uint8Array(bytes), size: bytes };
  writeArchive(path, pickle.setItems().stop(), [record]);
  return path;
}

test('convert and inspect use the requested weights, and say which', async () => {
  const path = checkpoint({ model_ema: 1, model: 2 });
  for (const [words, key, other, layers] of [
    [[], 'model', 'model_ema', 2],
    [['--state-dict', 'model_ema'], 'model_ema', 'model', 1],
  ] as const) {
    const out = join(folder, key);
    const { code, stdout, stderr } = await llm2clip('convert', path, '--out', out, ...words);
    assert.equal(code, 0, stderr);
    const line = `weights +under "${key}"; also found: "${other}" .choose with --state-dict.`;
    assert.match(stdout, new RegExp(line));
    const inspected = await llm2clip('inspect', out, '--json');
    const [{ manifest }] = inspected.json() as [{ manifest: Manifest }];
    assert.equal(manifest.source?.stateDict, key);
    assert.deepEqual(manifest.source.otherStateDicts, [other]);
    assert.equal(manifest.model?.layers, layers);
    assert.match((await llm2clip('inspect', path, ...words)).stdout, new RegExp(line));
  }
});

test('a missing key', async () => {
  const words = ['--out', join(folder, 'none'), '--state-dict', 'teacher'];
  const { code, stderr } = await llm2clip('convert', checkpoint({ model: 1 }), ...words);
  assert.equal(code, 1);
  assert.match(stderr, /^llm2clip: ERR_CHECKPOINT_MISMATCH: .*"teacher".*there are: "model"\n$/);
});
