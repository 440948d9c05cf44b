import { LRUCache } from 'lru-cache';
import { invalidType } from '../arguments';
import { abortable } from '../async/abort';
import { Classifier, type ImageTextEncoder } from './index';
import {
  CLASSIFY_OPTIONS,
  type ClassifierOptions,
  type ClassifyOptions,
  resolveClassifierOptions,
  resolveRankOptions,
} from './options';

/** Largest number of label lists that are kept. */
const MOST_LISTS = 16;
/**
 * Limit of the memory of all their vectors. The list that was used last is kept whatever its size.
 */
const MOST_BYTES = 256 * 2 ** 20;

interface Kept {
  labels: readonly string[];
  templates: readonly string[];
  classifier: Promise<Classifier>;
  /** Undefined while the labels are being encoded. */
  ready?: Classifier;
  /** Aborts the encoding. */
  controller: AbortController;
  /** Number of calls that use the classifier now. */
  users: number;
}

/**
 * Keeps the classifiers of the label lists that were used last. Lists are compared by content, so
 * that a list that is passed again needs no encoding.
 */
export class ClassifierCache {
  readonly #encoder: ImageTextEncoder;
  /** Lists whose labels are being encoded. At least one call waits for each. */
  readonly #encoding = new Set<Kept>();
  readonly #ready = new LRUCache<Kept, Classifier>({
    max: MOST_LISTS,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ memoryBytes }) => Math.min(Math.max(1, memoryBytes), MOST_BYTES),
    disposeAfter: (_, kept) => this.#release(kept),
  });

  constructor(encoder: ImageTextEncoder) {
    this.#encoder = encoder;
  }

  /**
   * Calls `body` with the classifier of a list. The classifier is not disposed of before `body` has
   * ended.
   */
  async use<T>(
    labels: readonly string[],
    options: ClassifyOptions | undefined,
    body: (classifier: Classifier) => Promise<T>,
  ): Promise<T> {
    if (!Array.isArray(labels)) throw invalidType('an array of strings', 'labels', labels);
    const { signal, ...rest } = resolveClassifierOptions(options, CLASSIFY_OPTIONS);
    // Checks the remaining options before labels are encoded for nothing.
    resolveRankOptions(options, CLASSIFY_OPTIONS);
    signal?.throwIfAborted();
    const kept = this.#find(labels, rest.templates) ?? this.#begin(labels, rest);
    this.#ready.get(kept); // marks it as used last
    kept.users += 1;
    try {
      return await body(await abortable(kept.classifier, signal));
    } finally {
      kept.users -= 1;
      this.#release(kept);
    }
  }

  /** Releases all classifiers. Those in use are disposed of when their last call ends. */
  clear(): void {
    this.#encoding.clear();
    this.#ready.clear();
  }

  #find(labels: readonly string[], templates: readonly string[]): Kept | undefined {
    return [...this.#encoding, ...this.#ready.keys()].find(
      (kept) => areEqual(kept.labels, labels) && areEqual(kept.templates, templates),
    );
  }

  /**
   * Starts the encoding of a list. It is aborted only when the signals of all waiting calls are.
   */
  #begin(
    labels: readonly string[],
    { templates, priority }: { templates: readonly string[]; priority: number | undefined },
  ): Kept {
    const controller = new AbortController();
    const options: ClassifierOptions = {
      templates,
      signal: controller.signal,
      ...(priority !== undefined && { priority }),
    };
    const copy = [...labels];
    const classifier = Classifier.create(this.#encoder, copy, options);
    const kept: Kept = {
      labels: copy,
      templates: [...templates],
      classifier,
      controller,
      users: 0,
    };
    this.#encoding.add(kept);
    classifier.then(
      (ready) => {
        kept.ready = ready;
        if (this.#encoding.delete(kept)) this.#ready.set(kept, ready);
        this.#release(kept);
      },
      () => this.#encoding.delete(kept),
    );
    return kept;
  }

  /**
   * Disposes of a classifier that no call uses and the cache does not keep. Aborts an encoding that
   * no call waits for.
   */
  #release(kept: Kept): void {
    if (kept.users > 0) return;
    if (kept.ready === undefined) {
      this.#encoding.delete(kept);
      kept.controller.abort();
    } else if (!this.#ready.has(kept)) void kept.ready.dispose();
  }
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
