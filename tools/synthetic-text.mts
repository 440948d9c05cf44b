// Writes a language model, a text adapter, or a complete tiny LLM2CLIP with seeded random weights
// in its published layout:
//
//   node --import tsx tools/synthetic-text.mts --preset llama-tiny --out FOLDER [--dtype f32] [--seed 1]
import { parseArgs } from 'node:util';
import type { WeightDtype } from './synthetic/random.mts';
import {
  ADAPTERS,
  type AdapterPreset,
  LLAMAS,
  type LlamaPreset,
  writeSyntheticAdapter,
  writeSyntheticLlama,
} from './synthetic/text-towers.mts';
import { WHOLE_PRESET, writeSyntheticWhole } from './synthetic/whole.mts';

const { values } = parseArgs({
  options: {
    preset: { type: 'string', default: '' },
    dtype: { type: 'string', default: 'f32' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: '' },
  },
});
const { preset, dtype, seed, out } = values;
const presets = [...Object.keys(LLAMAS), ...Object.keys(ADAPTERS), WHOLE_PRESET];
if (out === '' || !presets.includes(preset) || !['f32', 'f16', 'bf16'].includes(dtype)) {
  console.error(
    `expected --out FOLDER, --preset of ${presets.join(', ')}, --dtype f32, f16 or bf16`,
  );
  process.exit(2);
}
const options = { dtype: dtype as WeightDtype, seed: Number(seed) };
console.log(
  preset === WHOLE_PRESET
    ? (await writeSyntheticWhole(out, options)).checkpoint
    : preset in LLAMAS
      ? await writeSyntheticLlama(out, preset as LlamaPreset, options)
      : await writeSyntheticAdapter(out, preset as AdapterPreset, options),
);
