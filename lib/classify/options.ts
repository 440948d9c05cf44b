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

export interface ClassifierOptions {
  /** Texts with `{}` where the label goes. Default: 'a photo of a {}.' */
  templates?: readonly string[];
  /** Ends the encoding of labels; rejects with its reason. */
  signal?: AbortSignal;
  /** Of the encoding, as EncodeOptions has it. */
  priority?: number;
  /** Called with how many labels have been encoded, and how many there are; must not throw. */
  onProgress?: (done: number, total: number) => void;
}

export interface RankOptions {
  /** How many of the best labels. Default 10; all where there are fewer. */
  topK?: number;
  /** What cosines are multiplied by before the softmax. Default 100, as the reference. */
  scale?: number;
  signal?: AbortSignal;
}

export type ClassifyOptions = Omit<ClassifierOptions, 'onProgress'> & RankOptions;

const CLASSIFIER_NAMES = { templates: true, signal: true, priority: true } as const;
const RANK_NAMES = { topK: true, scale: true, signal: true } as const;

export const CLASSIFIER_OPTIONS = optionNames<ClassifierOptions>({
  ...CLASSIFIER_NAMES,
  onProgress: true,
});
/** Of Classifier.rank(). */
export const RANK_OPTIONS = optionNames<RankOptions>(RANK_NAMES);
/** Of Classifier.classify(). */
export const CLASSIFIER_CALL_OPTIONS = [...RANK_OPTIONS, 'priority'];
/** Of LLM2CLIP.classify(). */
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
    priority: priority as number | undefined, // the encoder checks it
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

/** Those of LLM2CLIP.classify() that are a classifier's own. */
export function rankOptions({
  templates,
  ...rest
}: ClassifyOptions = {}): Omit<ClassifyOptions, 'templates'> {
  return rest;
}

/** A copy, whatever becomes of the caller's array. */
export function resolveLabels(value: unknown): string[] {
  if (!Array.isArray(value)) throw invalidType('an array of strings', 'labels', value);
  if (value.length === 0) throw invalidRange('at least one label', 'labels', value);
  return Array.from(value, (label: unknown, i) => {
    if (typeof label !== 'string') throw invalidType('a string', `labels[${i}]`, label);
    if (label.trim() === '') throw invalidRange('a text', `labels[${i}]`, label);
    return label;
  });
}
