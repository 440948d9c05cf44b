import { Deadline } from '../async/deadline';
import { LLM2CLIPError } from '../errors';
import type { SessionStats } from '../native';
import type { ResolvedEncodeOptions } from '../options';
import type { TextTokenizer } from '../text/tokenizer';
import type { VectorCache, VectorCacheStats } from '../text/vector-cache';
import { deliver } from './delivery';
import { ANYWHERE, type Requests, type Target } from './requests';

/** The loaded text side of a bundle: a language model, an adapter, or both, one after the other. */
export interface TextPart {
  requests: Requests;
  /** `width` is the length of its feature. */
  llm?: { tokenizer: TextTokenizer; width: number };
  /** `width` is the length of the feature that it takes. */
  adapter?: { width: number };
}

/** Turns texts into embeddings, with a tokenizer, a language model and the adapter after it. */
export class TextSide {
  readonly #part: TextPart | undefined;
  readonly #cache: VectorCache | undefined;

  /** @param part Undefined: every text is refused. */
  constructor(part: TextPart | undefined, cache: VectorCache | undefined) {
    this.#part = part;
    this.#cache = cache;
  }

  /** Returns the embedding [E] of a text, from the cache if it is there. */
  async encode(
    text: string,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    const cache = this.#cache;
    if (cache === undefined) return this.#submit(text, options, target);
    const deadline = new Deadline(options.timeoutMs);
    const embedding = await deadline.within(options.signal, (signal) =>
      this.#recall(cache, text, { ...options, signal }, target),
    );
    return deliver(embedding, options.normalize, target);
  }

  /**
   * Gets an embedding through the cache. Other callers may wait for the same computation, so this
   * caller's time limit does not apply to it.
   */
  async #recall(
    cache: VectorCache,
    text: string,
    options: ResolvedEncodeOptions,
    { waits }: Target,
  ): Promise<Float32Array> {
    const all = { ...options, normalize: false, timeoutMs: undefined };
    const embed = (signal: AbortSignal | undefined) =>
      this.#submit(text, { ...all, signal }, { ...ANYWHERE, waits });
    try {
      return await cache.get(text, embed, options.signal);
    } catch (error) {
      // The computation was started by another caller, which does not wait for a full queue.
      if (waits && isQueueFull(error)) return this.#recall(cache, text, options, ANYWHERE);
      throw error;
    }
  }

  /**
   * Returns the output of the language model for a text, [D], rounded to bf16 as the adapter takes
   * it.
   */
  encodeToFeature(
    text: string,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    return this.#submit(text, { ...options, normalize: false }, { ...target, output: 'feature' });
  }

  /**
   * Returns the embedding [E] of a language model's feature [D]. The feature is read before this
   * returns.
   */
  encodeFeature(
    feature: Float32Array,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    const { requests } = this.adapter();
    return requests.submit({ feature }, true, options, target);
  }

  /**
   * Returns the language model.
   *
   * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE for a bundle without one
   */
  llm(): NonNullable<TextPart['llm']> & Pick<TextPart, 'requests'> {
    const { requests, llm } = this.#part ?? {};
    if (requests !== undefined && llm !== undefined) return { requests, ...llm };
    return refuse('language model', 'convert with --llm FOLDER');
  }

  /**
   * Returns the adapter.
   *
   * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE for a bundle without one
   */
  adapter(): NonNullable<TextPart['adapter']> & Pick<TextPart, 'requests'> {
    const { requests, adapter } = this.#part ?? {};
    if (requests !== undefined && adapter !== undefined) return { requests, ...adapter };
    return refuse('text adapter', 'convert a checkpoint that holds one');
  }

  /**
   * Returns the statistics of its engines and of the cache before them, or undefined if there are
   * none.
   */
  stats(): { session: SessionStats; cache: VectorCacheStats | undefined } | undefined {
    if (this.#part === undefined) return undefined;
    return { session: this.#part.requests.session.stats(), cache: this.#cache?.stats() };
  }

  async close(): Promise<void> {
    const { requests, llm } = this.#part ?? {};
    await Promise.all([requests?.close(), llm?.tokenizer.dispose()]);
    await this.#cache?.settle();
  }

  async #submit(
    text: string,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    const { tokenizer, requests } = this.llm();
    const deadline = new Deadline(options.timeoutMs);
    const tokens = await deadline.within(options.signal, () => tokenizer.encode(text));
    return requests.submit(tokens, false, { ...options, timeoutMs: deadline.left() }, target);
  }
}

function isQueueFull(error: unknown): boolean {
  return error instanceof LLM2CLIPError && error.code === 'ERR_QUEUE_FULL';
}

function refuse(part: string, remedy: string): never {
  throw new LLM2CLIPError('ERR_ENGINE_INCOMPATIBLE', `this bundle has no ${part}; ${remedy}`);
}
