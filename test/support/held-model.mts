import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { LLM2CLIP, LoadOptions } from 'llm2clip';
import { fakeBundle, fakePixels, requireFake } from './fake-engine.mts';
import { Gate } from './gate.mts';
import { until } from './until.mts';

type Batching = NonNullable<LoadOptions['batching']>;

/** A model with a fake engine that holds every batch until the test releases it. */
export class HeldModel implements AsyncDisposable {
  readonly model: LLM2CLIP;
  readonly gate: Gate;

  private constructor(model: LLM2CLIP, gate: Gate) {
    this.model = model;
    this.gate = gate;
  }

  /**
   * Loads the model.
   *
   * @param inside folder that contains the fake package as `package`, and will contain the bundle
   * @param patches see fakeBundle
   */
  static async load(inside: string, batching: Batching, patches?: number): Promise<HeldModel> {
    const gate = await Gate.listen();
    const bundle = join(mkdtempSync(join(inside, 'held-')), 'bundle');
    await fakeBundle(bundle, gate, 64, patches);
    const fake = requireFake(join(inside, 'package'));
    return new HeldModel(await fake.LLM2CLIP.load(bundle, { batching }), gate);
  }

  /** Lets the engine start a batch of one image, with number -1, and holds it. */
  async occupy(): Promise<void> {
    const runs = this.gate.begun;
    void this.model.encodeImage(fakePixels(-1));
    await this.gate.waitForRuns(runs + 1);
  }

  /**
   * Waits until this many requests are in batches, including the held one, and this many are
   * queued.
   */
  async waitFor({ inBatches, queued = 0 }: { inBatches: number; queued?: number }): Promise<void> {
    const isSo = () => {
      const { queue } = this.model.stats();
      return queue.inBatches === inBatches && queue.depth === queued;
    };
    await until(isSo, `${inBatches} in batches and ${queued} queued`);
  }

  /** Releases all batches and disposes of the model. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.close();
    await this.model.dispose();
  }
}
