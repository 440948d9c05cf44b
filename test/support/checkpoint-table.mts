import type { Dtype } from '#lib/checkpoint/dtype';
import { ALL_OF_IT, type CheckpointTable, type StatedFile } from '#lib/checkpoint/table';
import type { NamedShapes } from './layout-names.mts';

/** Makes a table of consecutive tensors with these shapes, without a file. */
export function tableOf(shapes: NamedShapes, more: Partial<CheckpointTable> = {}): CheckpointTable {
  let offset = 0;
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
    const entry = { name, dtype: 'f32' as Dtype, shape, strides, file: 'model', offset };
    offset += 4 * shape.reduce((a, b) => a * b, 1);
    return entry;
  });
  return {
    ...{ format: 'safetensors', path: 'model', tensors, stateDict: ALL_OF_IT, stated: [] },
    ...more,
  };
}

/** Makes a JSON file beside a checkpoint. */
export function statedFile(name: string, content: Record<string, unknown>): StatedFile {
  return { name, about: name.includes('processor') ? 'images' : 'model', content };
}
