import { LLM2CLIPError } from '../../errors';
import { quote } from '../../quote';
import { DTYPE_BYTES, type Dtype } from '../dtype';
import { elementCount, elementSpan, rowMajorStrides } from '../extent';
import type { TensorEntry } from '../table';
import { type Dimensions, dimensionOf, inferDimensions, resolveShape } from './dimensions';
import { type Binding, type Source, sourceName, sourcesOf } from './layout';
import type { Recognised } from './recognise';

const WEIGHT_DTYPES: readonly Dtype[] = ['f64', 'f32', 'f16', 'bf16'];

/** A weight with its canonical name and shape. */
export interface NamedEntry {
  name: string;
  entry: TensorEntry;
}

export interface Bound {
  weights: NamedEntry[];
  dimensions: Dimensions;
  /** The tensors of the checkpoint that hold the weights. */
  bound: Set<TensorEntry>;
}

/**
 * Finds every canonical weight and the dimensions that they agree on.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_MISMATCH for a missing or misshapen weight,
 *   ERR_CHECKPOINT_UNSUPPORTED for one whose numbers cannot be read
 */
export function bindWeights(
  recognised: Recognised<unknown>,
  entries: ReadonlyMap<string, TensorEntry>,
  path: string,
): Bound {
  const bindings = findWeights(recognised, entries, path);
  const dimensions = inferDimensions(bindings);
  const weights = bindings.map((binding) => ({
    name: binding.name,
    entry: canonicalView(binding, dimensions),
  }));
  return { weights, dimensions, bound: new Set(bindings.map(({ entry }) => entry)) };
}

/**
 * Finds every canonical weight in the checkpoint.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_MISMATCH, which names the first missing weight
 */
function findWeights(
  { weights, layout, prefix, layers }: Recognised<unknown>,
  entries: ReadonlyMap<string, TensorEntry>,
  path: string,
): Binding[] {
  const bindings: Binding[] = [];
  const missing: string[] = [];
  for (const tensor of weights.tensors) {
    for (let i = 0; i < (tensor.name.includes('{i}') ? layers : 1); i++) {
      const inBlock = (name: string) => name.replace('{i}', String(i));
      const sources = sourcesOf(layout, tensor.name);
      const nameOf = (source: Source) => prefix + inBlock(sourceName(source));
      const source = sources.find((candidate) => entries.has(nameOf(candidate))) ?? sources[0];
      if (source === undefined) continue;
      const entry = entries.get(nameOf(source));
      if (entry === undefined) missing.push(nameOf(source));
      else bindings.push({ tensor, name: inBlock(tensor.name), source, entry });
    }
  }
  const [first, ...more] = missing;
  if (first === undefined) return bindings;
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `${path} (${layout.name}, ${layers} layers) lacks tensor ${quote(first)}${andMore(more.length)}`,
  );
}

/**
 * Returns the weight with its canonical shape: a third of a fused tensor, or with leading ones
 * added.
 */
function canonicalView(binding: Binding, dimensions: Dimensions): TensorEntry {
  const { tensor, source, entry } = binding;
  requireReadable(entry);
  const shape = resolveShape(tensor.shape, dimensions);
  const parts = typeof source === 'string' ? 1 : 3;
  const expected = [(shape[0] ?? 1) * parts, ...shape.slice(1)];
  const added = expected.length - entry.shape.length;
  const leading = expected.slice(0, Math.max(added, 0));
  const padded = [...leading.map(() => 1), ...entry.shape];
  if (added < 0 || padded.join() !== expected.join()) {
    const wrongAt = expected.findIndex((size, i) => size !== padded[i]);
    const dimension = dimensionOf(tensor.shape[wrongAt] ?? 0, dimensions);
    const why = dimension?.witness ? ` (${dimension.size} as in ${quote(dimension.witness)})` : '';
    throw mismatch(entry, `has shape [${entry.shape}], expected [${expected}]${why}`);
  }
  if (shape.includes(0)) throw mismatch(entry, `has shape [${entry.shape}]: it is empty`);
  const dense = rowMajorStrides(shape);
  const strides = [...dense.slice(0, leading.length), ...entry.strides];
  return { ...entry, shape, strides, offset: entry.offset + partOffset(binding, shape) };
}

function requireReadable(entry: TensorEntry): void {
  const { dtype, shape, strides } = entry;
  if (!WEIGHT_DTYPES.includes(dtype)) {
    throw unsupported(entry, `has type ${dtype}, expected one of ${WEIGHT_DTYPES.join(', ')}`);
  }
  // Otherwise a few bytes could represent any number of elements.
  if ((elementCount(shape) ?? 0) > elementSpan(shape, strides)) {
    throw unsupported(entry, `repeats its elements, by strides [${strides}]`);
  }
}

/** Returns the offset of this part's rows in the fused tensor, in bytes. */
function partOffset({ source, entry }: Binding, shape: readonly number[]): number {
  if (typeof source === 'string') return 0;
  return source.part * (shape[0] ?? 0) * (entry.strides[0] ?? 0) * DTYPE_BYTES[entry.dtype];
}

function unsupported(entry: TensorEntry, problem: string): LLM2CLIPError {
  const message = `tensor ${quote(entry.name)} in ${entry.file} ${problem}; save it again as fp32`;
  return new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', message);
}

function mismatch(entry: TensorEntry, problem: string): LLM2CLIPError {
  const message = `tensor ${quote(entry.name)} in ${entry.file} ${problem}`;
  return new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', message);
}

export function andMore(count: number): string {
  return count === 0 ? '' : ` and ${count} other${count === 1 ? '' : 's'}`;
}
