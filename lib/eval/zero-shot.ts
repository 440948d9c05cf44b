import { invalidBuffer, invalidRange, invalidType } from '../arguments';
import { checkMatrix, dot, type Matrix, requireSameWidth } from './matrix';

/** LLM2CLIP multiplies cosines by this before the softmax. */
const DEFAULT_SCALE = 100;

/** Placeholder for the class in a template. */
const PLACEHOLDER = '{}';

/**
 * Puts each class into each template. The result has classes × templates texts, with those of one
 * class next to each other.
 *
 * @param templates texts with `{}` as the placeholder of the class
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 * @example
 * fillTemplates(['cat', 'dog'], ['a photo of a {}.', 'a drawing of a {}.']);
 * // a photo of a cat., a drawing of a cat., a photo of a dog., a drawing of a dog.
 */
export function fillTemplates(classes: readonly string[], templates: readonly string[]): string[] {
  const labels = checkTexts(classes, 'classes');
  const texts = checkTemplates(templates, 'templates');
  return labels.flatMap((label) => texts.map((text) => text.replaceAll(PLACEHOLDER, () => label)));
}

function checkTexts(value: unknown, name: string): readonly string[] {
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value;
  throw invalidType('an array of strings', name, value);
}

/**
 * Checks that templates are texts with `{}`.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 */
export function checkTemplates(value: unknown, name: string): readonly string[] {
  const templates = checkTexts(value, name);
  for (const [i, template] of templates.entries()) {
    if (!template.includes(PLACEHOLDER)) {
      throw invalidRange('a text with {}', `${name}[${i}]`, template);
    }
  }
  return templates;
}

/**
 * Checks the scale of the cosines, and fills in the default.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 */
export function checkScale(value: unknown, name: string): number {
  if (value === undefined) return DEFAULT_SCALE;
  if (typeof value !== 'number') throw invalidType('a number', name, value);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw invalidRange('a positive number', name, value);
}

/**
 * Computes one vector per class from a prompt ensemble, as the reference does: it normalises the
 * vector of each template, averages them, and normalises the mean.
 *
 * @param texts [classes × templates, E], in the order of {@link fillTemplates}
 * @returns [classes, E], L2-normalised. A class is NaN if one of its texts is, e.g. one that
 *   failed.
 * @throws TypeError, RangeError (ERR_INVALID_ARG; ERR_INVALID_BUFFER also for a zero vector and for
 *   vectors of a class that cancel out: they have no direction, and the reference returns NaN for
 *   them)
 */
export function classEmbeddings(texts: Matrix, templates: number): Matrix {
  const rows = checkMatrix(texts, 'texts');
  const [count, width] = rows.shape;
  if (!Number.isSafeInteger(templates) || templates < 1 || count % templates !== 0) {
    throw invalidRange(`a divisor of ${count} texts`, 'templates', templates);
  }
  const classes = count / templates;
  const data = new Float32Array(classes * width);
  const mean = new Float64Array(width);
  for (let label = 0; label < classes; label++) {
    mean.fill(0);
    for (let i = label * templates; i < (label + 1) * templates; i++) {
      const row = rows.data.subarray(i * width, (i + 1) * width);
      const length = requireLength(row, 0, `a vector other than zero for row ${i} of texts`);
      add(mean, row, 1 / (templates * length));
    }
    const expected = `vectors of class ${label} that do not cancel out`;
    const length = requireLength(mean, NO_LENGTH, expected);
    add(data.subarray(label * width, (label + 1) * width), mean, 1 / length);
  }
  return { data, shape: [classes, width] };
}

type Floats = Float32Array | Float64Array;

/** A mean of unit vectors that is no longer than this is only a rounding error. */
const NO_LENGTH = 1e-7;

/**
 * Returns the length of a row, which must have a direction. NaN is allowed; it marks a failed text.
 */
function requireLength(row: Floats, least: number, expected: string): number {
  let squares = 0;
  for (let k = 0; k < row.length; k++) squares += (row[k] as number) ** 2;
  const length = Math.sqrt(squares);
  if (length <= least) throw invalidBuffer(expected, 'a direction', `one of length ${length}`);
  return length;
}

/** Adds `scale` times a row to `sum`. It makes no copies, because there may be millions of rows. */
function add(sum: Floats, row: Floats, scale: number): void {
  for (let k = 0; k < row.length; k++) sum[k] = (sum[k] as number) + (row[k] as number) * scale;
}

/**
 * Computes the probabilities of zero-shot classification: softmax(scale · image · classᵀ).
 *
 * @param images [images, E], L2-normalised
 * @param classes [classes, E], L2-normalised
 * @param scale factor for the cosines; default 100
 * @returns [images, classes]. Each row sums to 1, or is NaN if the image's embedding is NaN.
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 * @example
 * const images = { data: new Float32Array([1, 0]), shape: [1, 2] as const };
 * const classes = { data: new Float32Array([0.6, 0.8, 0.8, 0.6]), shape: [2, 2] as const };
 * classProbabilities(images, classes, 10).data; // 0.119, 0.881
 */
export function classProbabilities(images: Matrix, classes: Matrix, scale?: number): Matrix {
  const [left, right] = [checkMatrix(images, 'images'), checkMatrix(classes, 'classes')];
  requireSameWidth(left, right, 'classes');
  const factor = checkScale(scale, 'scale');
  const [count, labels] = [left.shape[0], right.shape[0]];
  const data = new Float32Array(count * labels);
  for (let i = 0; i < count; i++) {
    const logits = Float64Array.from({ length: labels }, (_, j) => factor * dot(left, i, right, j));
    data.set(softmax(logits), i * labels);
  }
  return { data, shape: [count, labels] };
}

/**
 * Computes the softmax in place. It subtracts the largest logit, so that no exponential overflows.
 */
function softmax(logits: Float64Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = logits.map((x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}
