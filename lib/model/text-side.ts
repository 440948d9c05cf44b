import { Deadline } from '../async/deadline';
import { LLM2CLIPError } from '../errors';
import type { ResolvedEncodeOptions } from '../options';
import { roundToBf16 } from '../text/bf16';
import type { TextTokenizer } from '../text/tokenizer';
import type { VectorCache } from '../text/vector-cache';
import { deliver } from './delivery';
import { ANYWHERE, type Place, type Requests } from './requests';

/** The loaded parts of a bundle's text side. */
export interface TextParts {
  /** `width`: numbers of its feature. */
  llm?: { tokenizer: TextTokenizer; requests: Requests; width: number };
  /** `width`: numbers of the feature it takes. */
  adapter?: { requests: Requests; width: number };
}

/** What turns texts into embeddings: a tokenizer, a language model, and the adapter after it. */
export class TextSide {
  readonly parts: TextParts;
  readonly cache: VectorCache | undefined;

  constructor(parts: TextParts, cache: VectorCache | undefined) {
    this.parts = parts;
    this.cache = cache;
  }

  /** The embedding [E] of a text, which is not computed again where it was before. */
  async encode(text: string, options: ResolvedEncodeOptions, place: Place): Promise<Float32Array> {
    const { cache } = this;
    if (cache === undefined) return this.#embed(text, options, place);
    const deadline = new Deadline(options.timeoutMs);
    const embedding = await deadline.within(options.signal, (signal) =>
      this.#recall(cache, text, { ...options, signal }, place),
    );
    return deliver(embedding, options.normalize, place);
  }

  /** Others may come to wait for it as well: it is not embedded in this caller's time. */
  async #recall(
    cache: VectorCache,
    text: string,
    options: ResolvedEncodeOptions,
    { waits }: Place,
  ): Promise<Float32Array> {
    const all = { ...options, normalize: false, timeoutMs: undefined };
    const embed = (signal: AbortSignal | undefined) =>
      this.#embed(text, { ...all, signal }, { ...ANYWHERE, waits });
    try {
      return await cache.get(text, embed, options.signal);
    } catch (error) {
      // Another asked for it, who does not wait.
      if (waits && isQueueFull(error)) return this.#recall(cache, text, options, ANYWHERE);
      throw error;
    }
  }

  /** By both engines, one after the other. */
  async #embed(text: string, options: ResolvedEncodeOptions, place: Place): Promise<Float32Array> {
    const adapter = this.adapter();
    const deadline = new Deadline(options.timeoutMs);
    const { waits } = place;
    const feature = await this.#feature(text, options, { ...ANYWHERE, waits }, deadline);
    const left = { ...options, timeoutMs: deadline.left() };
    return adapter.requests.submit({ feature }, false, left, place);
  }

  /** What the language model makes of a text [D], as the adapter takes it. */
  encodeToFeature(
    text: string,
    options: ResolvedEncodeOptions,
    place: Place,
  ): Promise<Float32Array> {
    return this.#feature(text, options, place, new Deadline(options.timeoutMs));
  }

  /** The embedding [E] of a language model's feature [D], which is read before this returns. */
  encodeFeature(
    feature: Float32Array,
    options: ResolvedEncodeOptions,
    place: Place,
  ): Promise<Float32Array> {
    return this.adapter().requests.submit({ feature }, true, options, place);
  }

  /** @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE for a bundle without one */
  llm(): NonNullable<TextParts['llm']> {
    return this.parts.llm ?? refuse('language model', 'convert with --llm FOLDER');
  }

  /** @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE for a bundle without one */
  adapter(): NonNullable<TextParts['adapter']> {
    return this.parts.adapter ?? refuse('text adapter', 'convert a checkpoint that holds one');
  }

  async close(): Promise<void> {
    const { llm, adapter } = this.parts;
    await Promise.all([llm?.requests.close(), llm?.tokenizer.dispose(), adapter?.requests.close()]);
    await this.cache?.settle();
  }

  async #feature(
    text: string,
    options: ResolvedEncodeOptions,
    place: Place,
    deadline: Deadline,
  ): Promise<Float32Array> {
    const { tokenizer, requests } = this.llm();
    const tokens = await deadline.within(options.signal, () => tokenizer.encode(text));
    const raw = { ...options, normalize: false, timeoutMs: deadline.left() };
    const feature = await requests.submit(tokens, false, raw, place);
    const { outOffset } = place;
    const start = place.out === undefined ? 0 : outOffset;
    // As the reference does, in whatever precision the language model ran.
    roundToBf16(feature.subarray(start, start + this.llm().width));
    return feature;
  }
}

function isQueueFull(error: unknown): boolean {
  return error instanceof LLM2CLIPError && error.code === 'ERR_QUEUE_FULL';
}

function refuse(part: string, remedy: string): never {
  throw new LLM2CLIPError('ERR_ENGINE_INCOMPATIBLE', `this bundle has no ${part}; ${remedy}`);
}
