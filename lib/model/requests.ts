import { abortable } from '../async/abort';
import {
  type EncodeSpec,
  fromNative,
  type Input,
  type NativeSession,
  type PatchesSpec,
} from '../native';
import type { ResolvedEncodeOptions, TextOutput } from '../options';
import { ofThisRealm } from '../typed-array';

/** Where one embedding goes, or what else is asked of an input. */
export interface Place {
  /** The caller bounds itself: never refused for a full queue. */
  waits: boolean;
  out: Float32Array | undefined;
  outOffset: number;
  patches?: PatchesSpec;
  /** Of a text. */
  output?: TextOutput;
}

/** Into an array of its own. */
export const ANYWHERE: Place = { waits: true, out: undefined, outOffset: 0 };

const SETTLED = Promise.resolve();

/** What one thread asks of an engine's session. */
export class Requests {
  readonly session: NativeSession;
  #waking = false;
  #nextId = 0;

  constructor(session: NativeSession) {
    this.session = session;
  }

  /** @param borrowed The input's memory is the caller's again when this function returns. */
  submit(
    input: Input,
    borrowed: boolean,
    { signal, timeoutMs, priority, normalize }: ResolvedEncodeOptions,
    { waits, out, outOffset, patches, output }: Place,
  ): Promise<Float32Array> {
    this.#nextId = (this.#nextId + 1) >>> 0;
    const id = this.#nextId;
    const wanted = { normalize, out, outOffset, patches, output };
    const spec = { borrowed, priority, timeoutMs, waits, ...wanted };
    const embedding = this.#encode(id, input, spec);
    this.#wakeSoon();
    if (signal === undefined) return embedding;
    return abortable(embedding, signal, () => this.session.cancel(id));
  }

  async #encode(id: number, input: Input, spec: EncodeSpec): Promise<Float32Array> {
    const embedding = await fromNative(this.session.encode(id, input, spec));
    // One that was cancelled comes to nothing, and nobody waits for it.
    return embedding && ofThisRealm(embedding);
  }

  close(): Promise<void> {
    return fromNative(this.session.close());
  }

  /** Once the caller's turn is over: what it asks for together becomes one batch. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    // Not by queueMicrotask, which test runners replace by one that waits until it is told.
    void SETTLED.then(() => {
      this.#waking = false;
      this.session.wake();
    });
  }
}
