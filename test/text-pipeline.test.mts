// Tests language model, rounding and adapter as one pipeline: a text passes through it in one call,
// with exactly the numbers that the parts give one after the other, and callers that leave are
// released.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LLM2CLIP } from 'llm2clip';
import type { Input, NativeSession } from '#lib/native';
import { FAKE_DIM, fakePackage, fakeTextBundle, requireFake } from './support/fake-engine.mts';
import { Gate } from './support/gate.mts';
import { temporaryFolder } from './support/temporary.mts';
import {
  buildTextEngine,
  embedAll,
  embedRaw,
  encodeAll,
  goldenCases,
  openTextParts,
  type TextPreset,
  textTower,
} from './support/text-towers.mts';
import { numbered } from './support/text-vectors.mts';
import { until } from './support/until.mts';

const folder = temporaryFolder();

/** Rounds to bf16 by its definition, in doubles: 8 bits of precision, ties to even. */
function toBf16(number: number): number {
  if (number === 0) return number;
  const step = 2 ** (Math.floor(Math.log2(Math.abs(number))) - 7);
  const steps = Math.floor(number / step);
  const rest = number / step - steps;
  const up = rest > 0.5 || (rest === 0.5 && steps % 2 !== 0);
  return (steps + (up ? 1 : 0)) * step;
}

describe('with the real engine', () => {
  const build = async (preset: TextPreset, portable: boolean) => {
    const place = join(folder, `${preset}`);
    return buildTextEngine(place, await textTower(place, preset), { precision: 'fp32', portable });
  };
  for (const portable of [false, true]) {
    describe(portable ? 'portable' : 'native', () => {
      let files: { llm: string; adapter: string };
      let whole: NativeSession;
      let adapter: NativeSession;
      before(async () => {
        files = {
          llm: await build('llama-tiny', portable),
          adapter: await build('adapter-tiny', portable),
        };
        whole = await openTextParts([
          { file: files.llm, preset: 'llama-tiny' },
          { file: files.adapter, preset: 'adapter-tiny' },
        ]);
        adapter = await openTextParts([{ file: files.adapter, preset: 'adapter-tiny' }]);
      });
      after(() => Promise.all([whole.close(), adapter.close()]));
      const texts = goldenCases('llama-tiny').map(({ input }) => input);

      test('a text has the numbers that the parts give one after the other', async () => {
        for (const text of texts) {
          const [raw] = (await embedRaw(files.llm, [text])) as [Float32Array];
          const [feature] = (await embedAll(whole, [text], 'feature')) as [Float32Array];
          assert.deepEqual(feature, raw.map(toBf16));
          const [expected] = await embedAll(adapter, [{ feature }]);
          const [embedding] = await embedAll(whole, [text]);
          assert.deepEqual(embedding, expected);
          const [given] = await embedAll(whole, [{ feature }]);
          assert.deepEqual(given, expected);
        }
      });

      test("a caller's feature is not rounded", async () => {
        const features: Input[] = goldenCases('adapter-tiny').map(({ input }) => input);
        const [expected, found] = await Promise.all([
          embedAll(adapter, features),
          embedAll(whole, features),
        ]);
        assert.deepEqual(found, expected);
      });
    });
  }

  test('missing parts and invalid inputs are refused by name', async () => {
    const file = await build('llama-tiny', false);
    const llm = await openTextParts([{ file, preset: 'llama-tiny' }]);
    const [text] = goldenCases('llama-tiny');
    const codes = async (input: Input, output: 'embedding' | 'feature') => {
      const [result] = await encodeAll(llm, [input], output);
      return result?.status === 'rejected' ? result.reason.code : 'none';
    };
    assert.equal(await codes(text?.input as Input, 'feature'), 'none');
    assert.equal(await codes(text?.input as Input, 'embedding'), 'ERR_ENGINE_INCOMPATIBLE');
    assert.equal(await codes({ feature: new Float32Array(64) }, 'feature'), 'ERR_INVALID_ARG');
    const image = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 } as const;
    assert.equal(await codes(image, 'feature'), 'ERR_INVALID_ARG');
    await llm.close();
  });
});

describe('with an engine that the test holds', () => {
  const fake = requireFake(fakePackage(join(folder, 'package')));
  let gate: Gate;
  let model: LLM2CLIP;
  const load = async (name: string) => {
    gate = await Gate.listen();
    const bundle = await fakeTextBundle(join(folder, name), gate);
    model = await fake.LLM2CLIP.load(bundle, { textCache: false });
  };
  const close = async () => {
    gate.close();
    await model.dispose();
  };
  const stats = () => {
    const { text } = model.stats();
    assert.ok(text);
    return text;
  };

  /** Lets the engine run one text, and holds it in its language model. */
  async function occupy(): Promise<void> {
    const runs = gate.begun;
    void model.encodeText('a photo', { output: 'feature' });
    await gate.waitForRuns(runs + 1);
  }

  const leaving = {
    aborted: (signal: AbortSignal) => ({ signal }),
    'out of time': () => ({ timeoutMs: 50 }),
  };
  for (const [name, options] of Object.entries(leaving)) {
    test(`${name} in the queue, in the language model, in the adapter`, async () => {
      await load(`leaving ${name}`);
      const leave = async (reached: () => Promise<void>) => {
        const controller = new AbortController();
        const asked = model.encodeText('a photo', options(controller.signal));
        const settled = assert.rejects(asked, (error: { name: string; code: unknown }) => {
          return error.name === 'AbortError' || error.code === 'ERR_TIMEOUT';
        });
        await reached();
        controller.abort();
        await settled;
      };
      await occupy();
      await leave(() => until(() => stats().requests.submitted === 2, 'a queued text'));
      gate.open();
      await until(() => stats().queue.inBatches === 0, 'an idle engine');
      for (const runs of [1, 2]) {
        gate.hold();
        const begun = gate.begun;
        // The timed-out request may time out before it gets there. Then nothing waits for it.
        gate.release(runs - 1);
        await leave(() => gate.waitForRuns(begun + runs));
        gate.open();
        await until(() => stats().queue.inBatches === 0, 'an idle engine');
      }
      assert.equal((await model.encodeText('a photo')).length, FAKE_DIM);
      const { submitted, completed, timedOut, dropped } = stats().requests;
      assert.equal(submitted, completed + timedOut + dropped);
      await close();
    });
  }

  test("concurrent texts, their features and callers' features each get their own result", async () => {
    await load('mixed');
    await occupy();
    const raw = { normalize: false } as const;
    const texts = numbered(40, 'a photo ');
    const features = Float32Array.from({ length: 40 * FAKE_DIM }, (_, i) => 0.5 + (i % FAKE_DIM));
    for (let i = 0; i < 40; i++) features[i * FAKE_DIM] = 100 + i;
    const asked = Promise.all([
      model.encodeTexts(texts, raw),
      model.encodeTexts(texts, { output: 'feature' }),
      model.encodeTextFeatures(features, raw),
    ]);
    await until(() => stats().requests.submitted === 121, '121 requests');
    gate.open();
    const [embeddings, made, given] = await asked;
    for (let i = 0; i < 40; i++) {
      // The first number of each embedding is the number of a text's tokens, or a feature's first
      // number.
      assert.equal(embeddings.row(i)[0], made.row(i)[0]);
      assert.equal(given.row(i)[0], 100 + i);
    }
    // No run mixed kinds of inputs.
    const sizes = Object.entries(stats().batches.sizes);
    assert.equal(
      sizes.reduce((sum, [size, count]) => sum + Number(size) * count, 0),
      121,
    );
    assert.ok(sizes.every(([size]) => Number(size) <= 40));
    await close();
  });

  test('urgent requests run first, whatever their kind', async () => {
    await load('priority');
    await occupy();
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const feature = new Float32Array(FAKE_DIM).fill(1);
    const first = model.encodeText('a photo', { output: 'feature' }).then(note('has its slot'));
    await until(() => stats().queue.inBatches === 2, 'a text in the next batch');
    const asked = [
      model.encodeTextFeatures(feature, { priority: -1 }).then(note('low')),
      model.encodeText('a photo', { priority: 1 }).then(note('high')),
    ];
    await until(() => stats().requests.submitted === 4, 'four requests');
    gate.open();
    await Promise.all([first, ...asked]);
    assert.deepEqual(order, ['has its slot', 'high', 'low']);
    await close();
  });
});
