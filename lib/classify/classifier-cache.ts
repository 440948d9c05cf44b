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

/** Lists of labels that are kept, at most. */
const MOST_LISTS = 16;
/** Of their vectors together; the list that was used last is kept whatever its size. */
const MOST_BYTES = 256 * 2 ** 20;

interface Kept {
  labels: readonly string[];
  templates: readonly string[];
  classifier: Promise<Classifier>;
  /** Undefined while labels are being encoded. */
  ready?: Classifier;
  /** Ends the encoding. */
  controller: AbortController;
  /** Calls under way. */
  users: number;
}

/**
 * The classifiers of the lists of labels that were used last, known by their content: a list that
 * comes again costs no texts.
 */
export class ClassifierCache {
  readonly #encoder: ImageTextEncoder;
  /** Lists whose labels are being encoded; somebody waits for each. */
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

  /** Gives `body` the classifier of a list, which is not disposed of before that has ended. */
  async use<T>(
    labels: readonly string[],
    options: ClassifyOptions | undefined,
    body: (classifier: Classifier) => Promise<T>,
  ): Promise<T> {
    if (!Array.isArray(labels)) throw invalidType('an array of strings', 'labels', labels);
    const { signal, ...rest } = resolveClassifierOptions(options, CLASSIFY_OPTIONS);
    resolveRankOptions(options, CLASSIFY_OPTIONS); // before labels are encoded for nothing
    signal?.throwIfAborted();
    const kept = this.#find(labels, rest.templates) ?? this.#begin(labels, rest);
    this.#ready.get(kept); // used last from here on
    kept.users += 1;
    try {
      return await body(await abortable(kept.classifier, signal));
    } finally {
      kept.users -= 1;
      this.#release(kept);
    }
  }

  /** Lets go of all, those in use when they no longer are. */
  clear(): void {
    this.#encoding.clear();
    this.#ready.clear();
  }

  #find(labels: readonly string[], templates: readonly string[]): Kept | undefined {
    return [...this.#encoding, ...this.#ready.keys()].find(
      (kept) => areEqual(kept.labels, labels) && areEqual(kept.templates, templates),
    );
  }

  /** The signals of those who wait end the encoding together, not each. */
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

  /** A list that nobody uses is disposed of unless it is kept; what nobody waits for is not encoded. */
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
