import { abortable } from '../async/abort';
import {
  type EncodeSpec,
  fromNative,
  type Input,
  type NativeSession,
  translateError,
} from '../native';
import type { ResolvedEncodeOptions } from '../options';
import { ofThisRealm } from '../typed-array';

/** Where a result is written, and what is requested of the input. */
export interface Target {
  /**
   * Whether the caller limits its own number of calls. Such calls are never refused for a full
   * queue.
   */
  waits: boolean;
  out: Float32Array | undefined;
  outOffset: number;
  output?: EncodeSpec['output'];
}

/** Writes the result to a new array. */
export const ANYWHERE: Target = { waits: true, out: undefined, outOffset: 0 };

const SETTLED = Promise.resolve();

/** The requests of one thread to an engine's session. */
export class Requests {
  readonly session: NativeSession;
  #waking = false;
  #nextId = 0;

  constructor(session: NativeSession) {
    this.session = session;
  }

  /**
   * @param borrowed Whether the caller may change the input's memory after this function returns.
   */
  submit(
    input: Input,
    borrowed: boolean,
    { signal, timeoutMs, priority, normalize }: ResolvedEncodeOptions,
    { waits, out, outOffset, output }: Target,
  ): Promise<Float32Array> {
    this.#nextId = (this.#nextId + 1) >>> 0;
    const id = this.#nextId;
    const spec = { output, borrowed, priority, timeoutMs, waits, normalize, out, outOffset };
    const embedding = this.#encode(id, input, spec);
    this.#wakeSoon();
    if (signal === undefined) return embedding;
    return abortable(embedding, signal, () => this.session.cancel(id));
  }

  async #encode(id: number, input: Input, spec: EncodeSpec): Promise<Float32Array> {
    // fromNative would cost each request one promise more.
    try {
      const embedding = await this.session.encode(id, input, spec);
      // A cancelled request resolves to nothing, and nobody waits for it.
      return embedding && ofThisRealm(embedding);
    } catch (error) {
      throw translateError(error);
    }
  }

  close(): Promise<void> {
    return fromNative(this.session.close());
  }

  /** Wakes the session after the caller's turn, so that the calls of one turn become one batch. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    // queueMicrotask does not work: test runners replace it by a function that waits for a command.
    void SETTLED.then(() => {
      this.#waking = false;
      this.session.wake();
    });
  }
}
