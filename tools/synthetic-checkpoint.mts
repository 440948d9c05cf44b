// Writes a checkpoint with seeded random weights in a published layout. The bytes are the same on
// every machine, and Python is not needed.
//
//   node --import tsx tools/synthetic-checkpoint.mts --preset eva02-L-14-336 --out FOLDER \
//     [--layout official] [--format torch] [--dtype f32] [--seed 1]
import { parseArgs } from 'node:util';
import { writeSyntheticCheckpoint } from './synthetic/checkpoint.mts';
import { LAYOUTS, type LayoutName } from './synthetic/layouts.mts';
import { PRESETS, type Preset } from './synthetic/presets.mts';

const { values } = parseArgs({
  options: {
    preset: { type: 'string' },
    layout: { type: 'string', default: 'official' },
    format: { type: 'string', default: 'torch' },
    dtype: { type: 'string', default: 'f32' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});

function oneOf<T extends string>(
  name: string,
  value: string | undefined,
  choices: readonly T[],
): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  console.error(`expected one of ${choices.join(', ')} for --${name}, received ${value}`);
  process.exit(2);
}

if (values.out === undefined) {
  console.error('expected --out FOLDER');
  process.exit(2);
}
const path = await writeSyntheticCheckpoint(values.out, {
  preset: oneOf('preset', values.preset, Object.keys(PRESETS) as Preset[]),
  layout: oneOf('layout', values.layout, Object.keys(LAYOUTS) as LayoutName[]),
  format: oneOf('format', values.format, ['torch', 'safetensors']),
  dtype: oneOf('dtype', values.dtype, ['f32', 'f16', 'bf16']),
  seed: Number(values.seed),
});
console.log(path);
