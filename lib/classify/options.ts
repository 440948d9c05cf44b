import {
  invalidRange,
  invalidType,
  optionalFunction,
  optionalInteger,
  optionalSignal,
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

export function resolveClassifierOptions(value: unknown): ResolvedClassifierOptions {
  const { templates, signal, priority, onProgress } = optionsBag(value, 'options');
  return {
    templates: resolveTemplates(templates),
    signal: optionalSignal(signal, 'options.signal'),
    priority: priority as number | undefined, // the encoder checks it
    onProgress: optionalFunction(onProgress, 'options.onProgress'),
  };
}

export function resolveRankOptions(
  value: unknown,
): Required<Omit<RankOptions, 'signal'>> & { signal: AbortSignal | undefined } {
  const { topK, scale, signal } = optionsBag(value, 'options');
  return {
    topK: optionalInteger(topK, 'options.topK', DEFAULT_TOP_K, [1, MOST_TOP_K]),
    scale: checkScale(scale, 'options.scale'),
    signal: optionalSignal(signal, 'options.signal'),
  };
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
