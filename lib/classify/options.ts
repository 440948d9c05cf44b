import {
  invalidRange,
  invalidType,
  optionalFunction,
  optionalInteger,
  optionalSignal,
  optionNames,
  optionsBag,
} from '../arguments';
import { checkScale, checkTemplates } from '../eval/zero-shot';

/** Options of LLM2CLIP.classifier. */
export interface ClassifierOptions {
  /** Texts with `{}` as the placeholder of the label. Default: ['a photo of a {}.']. */
  templates?: readonly string[];
  /** Cancels the encoding of the labels, which rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Priority of the encoding, as in EncodeOptions. */
  priority?: number;
  /**
   * Called with the number of labels encoded so far and the number of all labels. It must not
   * throw.
   */
  onProgress?: (done: number, total: number) => void;
}

/** Options of a classification. */
export interface RankOptions {
  /** Number of labels to return. Default 10, or all if there are fewer. */
  topK?: number;
  /** Factor of the cosines before the softmax. Default 100, as in the reference. */
  scale?: number;
  signal?: AbortSignal;
}

/** Options of LLM2CLIP.classify. */
export type ClassifyOptions = Omit<ClassifierOptions, 'onProgress'> & RankOptions;

const CLASSIFIER_NAMES = { templates: true, signal: true, priority: true } as const;
const RANK_NAMES = { topK: true, scale: true, signal: true } as const;

export const CLASSIFIER_OPTIONS = optionNames<ClassifierOptions>({
  ...CLASSIFIER_NAMES,
  onProgress: true,
});
/** Options of Classifier.rank(). */
export const RANK_OPTIONS = optionNames<RankOptions>(RANK_NAMES);
/** Options of Classifier.classify(). */
export const CLASSIFIER_CALL_OPTIONS = [...RANK_OPTIONS, 'priority'];
/** Options of LLM2CLIP.classify(). */
export const CLASSIFY_OPTIONS = optionNames<ClassifyOptions>({
  ...CLASSIFIER_NAMES,
  ...RANK_NAMES,
});

const DEFAULT_TEMPLATES = ['a photo of a {}.'];
const DEFAULT_TOP_K = 10;
const MOST_TOP_K = 2 ** 32 - 1;

export interface ResolvedClassifierOptions {
  templates: readonly string[];
  signal: AbortSignal | undefined;
  priority: number | undefined;
  onProgress: ((done: number, total: number) => void) | undefined;
}

export function resolveTemplates(value: unknown): readonly string[] {
  if (value === undefined) return DEFAULT_TEMPLATES;
  const templates = checkTemplates(value, 'options.templates');
  if (templates.length > 0) return templates;
  throw invalidRange('at least one text', 'options.templates', value);
}

export function resolveClassifierOptions(
  value: unknown,
  known: readonly string[],
): ResolvedClassifierOptions {
  const { templates, signal, priority, onProgress } = optionsBag(value, 'options', known);
  return {
    templates: resolveTemplates(templates),
    signal: optionalSignal(signal, 'options.signal'),
    priority: priority as number | undefined, // The encoder checks it.
    onProgress: optionalFunction(onProgress, 'options.onProgress'),
  };
}

export interface ResolvedRankOptions extends Required<Omit<RankOptions, 'signal'>> {
  signal: AbortSignal | undefined;
}

export function resolveRankOptions(value: unknown, known: readonly string[]): ResolvedRankOptions {
  const { topK, scale, signal } = optionsBag(value, 'options', known);
  return {
    topK: optionalInteger(topK, 'options.topK', DEFAULT_TOP_K, [1, MOST_TOP_K]),
    scale: checkScale(scale, 'options.scale'),
    signal: optionalSignal(signal, 'options.signal'),
  };
}

/** Returns those options of LLM2CLIP.classify() that Classifier.classify() takes, too. */
export function rankOptions({
  templates,
  ...rest
}: ClassifyOptions = {}): Omit<ClassifyOptions, 'templates'> {
  return rest;
}

/** Checks the labels and copies them, so that the caller may change the array. */
export function resolveLabels(value: unknown): string[] {
  if (!Array.isArray(value)) throw invalidType('an array of strings', 'labels', value);
  if (value.length === 0) throw invalidRange('at least one label', 'labels', value);
  return Array.from(value, (label: unknown, i) => {
    if (typeof label !== 'string') throw invalidType('a string', `labels[${i}]`, label);
    if (label.trim() === '') throw invalidRange('a text', `labels[${i}]`, label);
    return label;
  });
}
