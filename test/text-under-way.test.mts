// Tests texts that are submitted while others run, with engines that the test holds and releases.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { LLM2CLIP, LoadOptions } from 'llm2clip';
import { FAKE_DIM, fakePackage, fakeTextBundle, requireFake } from './support/fake-engine.mts';
import { Gate } from './support/gate.mts';
import { temporaryFolder } from './support/temporary.mts';
import { numbered } from './support/text-vectors.mts';
import { until } from './support/until.mts';

const folder = temporaryFolder();
const fake = requireFake(fakePackage(join(folder, 'package')));

/** Several models, one per options object, that share one engine and one gate. */
class HeldTexts implements AsyncDisposable {
  readonly gate: Gate;
  readonly models: LLM2CLIP[] = [];

  private constructor(gate: Gate) {
    this.gate = gate;
  }

  static async load(name: string, ...options: LoadOptions[]): Promise<HeldTexts> {
    const held = new HeldTexts(await Gate.listen());
    const bundle = await fakeTextBundle(join(folder, name), held.gate);
    for (const one of options) held.models.push(await fake.LLM2CLIP.load(bundle, one));
    return held;
  }

  /** Lets the language model start a run with one text, and holds it. */
  async occupy(model: LLM2CLIP): Promise<void> {
    const runs = this.gate.begun;
    void model.encodeText('a photo', { output: 'feature' });
    await this.gate.waitForRuns(runs + 1);
  }

  /** Releases pending work and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.close();
    for (const model of this.models) await model.dispose();
  }
}

/** Returns the statistics of the engines of the text side. */
function done(model: LLM2CLIP) {
  const stats = model.stats().text;
  assert.ok(stats);
  return stats;
}

test('the language model runs as many texts together as it takes', async () => {
  await using held = await HeldTexts.load('together', { textCache: false });
  const [model] = held.models as [LLM2CLIP];
  await held.occupy(model);
  const encoding = model.encodeTexts(numbered(100, 'a '));
  await until(() => done(model).requests.submitted === 101, '101 texts');
  held.gate.open();
  assert.deepEqual((await encoding).shape, [100, FAKE_DIM]);
  assert.deepEqual(done(model).batches.sizes, { 1: 1, 100: 1 });
});

describe('callers that leave', () => {
  for (const [name, textCache] of [
    ['with a cache', {}],
    ['without', false],
  ] as const) {
    test(`aborted, or out of time, while the engine reads others, ${name}`, async () => {
      await using held = await HeldTexts.load(name, { textCache });
      const [model] = held.models as [LLM2CLIP];
      await held.occupy(model);
      const texts = numbered(400, 'a photo ');
      const reason = new Error('enough');
      const controller = new AbortController();
      const encoding = model.encodeTexts(texts, { signal: controller.signal });
      await until(() => done(model).requests.submitted > 1, 'a text behind the first');
      controller.abort(reason);
      await assert.rejects(encoding, reason);
      await assert.rejects(model.encodeTexts(texts, { timeoutMs: 20 }), { code: 'ERR_TIMEOUT' });
      held.gate.open();
      assert.equal((await model.encodeTexts(texts.slice(-1))).row(0).length, FAKE_DIM);
    });
  }
});

test('callers that wait are served even if another call was refused for a full queue', async () => {
  const batching = { maxQueue: 1 };
  await using held = await HeldTexts.load('full', { batching }, { batching, textCache: false });
  const [model, busy] = held.models as [LLM2CLIP, LLM2CLIP];
  await held.occupy(busy);
  const refused = assert.rejects(model.encodeText('wanted'), { code: 'ERR_QUEUE_FULL' });
  const many = model.encodeTexts(['wanted']);
  await refused;
  held.gate.open();
  assert.equal((await many).data.length, FAKE_DIM);
});
