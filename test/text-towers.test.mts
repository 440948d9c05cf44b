// Tests language models and adapters in every precision and flavour against transformers and
// PyTorch.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BuildSpec, Input } from '#lib/native';
import type { Precision } from '#lib/precision';
import { assertClose, FP32, QUANTISED, REDUCED, type Tolerance } from './support/goldens.mts';
import { ISAS, type Isa, withoutIsa } from './support/isa.mts';
import { once } from './support/once.mts';
import { temporaryFolder } from './support/temporary.mts';
import {
  buildTextEngine,
  embedAll,
  embedRaw,
  encodeAll,
  goldenCases,
  isLlama,
  MAX_TOKENS,
  openTextEngine,
  TEXT_PRESETS,
  type TextPreset,
  textTower,
} from './support/text-towers.mts';
import { cosine } from './support/vectors.mts';

const PRECISIONS: Record<Precision, Tolerance> = {
  fp32: FP32,
  bf16: REDUCED,
  fp16: REDUCED,
  int8: QUANTISED,
};

/**
 * Returns the precisions to test. In int8, one 8-bit scale per token is not enough if one number is
 * a thousand times as large as the others.
 */
function precisionsOf(preset: TextPreset): Precision[] {
  const all = Object.keys(PRECISIONS) as Precision[];
  return preset === 'llama-tiny-outliers' ? all.filter((one) => one !== 'int8') : all;
}

/** A feature as a session gives it, rounded to bf16. */
const ROUNDED: Tolerance = { cosine: FP32.cosine, difference: 2 ** -8 };

const folder = temporaryFolder();

const folderOf = (preset: TextPreset) => join(folder, preset);
const towerOf = (preset: TextPreset) => textTower(folderOf(preset), preset);

const engineOf = once(async (preset: TextPreset, precision: Precision, portable: boolean) =>
  buildTextEngine(folderOf(preset), await towerOf(preset), { precision, portable }),
);

for (const preset of TEXT_PRESETS) {
  describe(preset, () => {
    for (const precision of precisionsOf(preset)) {
      const tolerance = PRECISIONS[precision];
      for (const portable of precision === 'int8' ? [false] : [false, true]) {
        test(`${precision}, ${portable ? 'portable' : 'native'}`, async () => {
          const file = await engineOf(preset, precision, portable);
          const session = await openTextEngine(file, preset);
          const cases = goldenCases(preset);
          const singles: Float32Array[] = [];
          for (const { input, embedding } of cases) {
            const [single] = await (isLlama(preset)
              ? embedRaw(file, [input])
              : embedAll(session, [input]));
            assertClose(single as Float32Array, embedding, tolerance);
            singles.push(single as Float32Array);
          }
          // A batch must equal its single texts in any order and with any lengths. aten's bf16
          // products are summed in another order if the number of rows differs.
          const least = portable && precision === 'bf16' ? 0.9999 : 0.99999;
          // Portable engines are slow on large batches: they pad each text to the longest one.
          const order = [...cases.keys(), ...(portable ? [] : cases.keys())].reverse();
          const batch = await embedAll(
            session,
            order.map((i) => cases[i]?.input as Input),
          );
          for (const [row, i] of order.entries()) {
            const similarity = cosine(batch[row] as Float32Array, singles[i] as Float32Array);
            assert.ok(similarity >= least, `row ${row} of a batch: cosine ${similarity}`);
          }
          await session.close();
        });
      }
    }
  });
}

describe('on other processors', () => {
  const program = fileURLToPath(new URL('./support/embed-texts.mts', import.meta.url));
  const precisions = ['fp32', 'bf16'] as const;
  /** Embeds with all precisions. The program prints one line per precision. */
  const embed = once(async (isa: Isa) => {
    const files = precisions.map((precision) => engineOf('llama-tiny', precision, false));
    const args = ['--import', 'tsx', program, 'llama-tiny', ...(await Promise.all(files))];
    const env = { ...process.env, LLM2CLIP_ISA: isa };
    return spawnSync(process.execPath, args, { encoding: 'utf8', env });
  });
  for (const isa of ISAS) {
    const skip = withoutIsa(isa);
    for (const [line, precision] of precisions.entries()) {
      test(`${isa}, ${precision}`, { skip }, async () => {
        const { status, stdout, stderr } = await embed(isa);
        assert.equal(status, 0, stderr);
        const { rows } = JSON.parse(stdout.split('\n')[line] ?? '') as { rows: number[][] };
        for (const [i, { embedding }] of goldenCases('llama-tiny').entries()) {
          const { cosine } = PRECISIONS[precision];
          assertClose(Float32Array.from(rows[i] as number[]), embedding, { cosine });
        }
      });
    }
  }
});

describe('an invalid text fails only that text', () => {
  const wrong: Record<string, { ids: number[]; pooled: number; code: string }> = {
    'no tokens': { ids: [], pooled: 1, code: 'ERR_INVALID_ARG' },
    'too many tokens': {
      ids: new Array(MAX_TOKENS + 1).fill(1),
      pooled: 1,
      code: 'ERR_INVALID_ARG',
    },
    'a mean over nothing': { ids: [1, 2], pooled: 0, code: 'ERR_INVALID_ARG' },
    'a mean over more than there is': { ids: [1, 2], pooled: 3, code: 'ERR_INVALID_ARG' },
    'a negative id': { ids: [1, -2], pooled: 1, code: 'ERR_INVALID_ARG' },
    'an id beyond the vocabulary': { ids: [1, 700], pooled: 1, code: 'ERR_ENGINE_INCOMPATIBLE' },
  };
  for (const [name, { ids, pooled, code }] of Object.entries(wrong)) {
    test(name, async () => {
      const file = await engineOf('llama-tiny', 'fp32', false);
      const session = await openTextEngine(file, 'llama-tiny');
      const good = goldenCases('llama-tiny').slice(1, 4);
      const bad: Input = { ids: Int32Array.from(ids), pooled };
      const inputs = [...good.slice(0, 2).map(({ input }) => input), bad, good[2]?.input as Input];
      const results = await encodeAll(session, inputs);
      const [failed] = results.splice(2, 1);
      assert.equal(failed?.status === 'rejected' && failed.reason.code, code);
      for (const [i, { embedding }] of good.entries()) {
        const result = results[i];
        assert.equal(result?.status, 'fulfilled');
        if (result?.status === 'fulfilled') assertClose(result.value, embedding, ROUNDED);
      }
      await session.close();
    });
  }
});

describe('weights that do not fit the model', () => {
  type Tower = Pick<BuildSpec, 'config' | 'weights'>;
  const faults: Record<string, { change: (tower: Tower) => Tower; message: RegExp }> = {
    missing: {
      change: ({ config, weights }) => {
        const rest = weights.filter(({ name }) => name !== 'layers.1.mlp.up_proj.weight');
        return { config, weights: rest };
      },
      message: /expected tensor layers\.1\.mlp\.up_proj\.weight \[176, 64\], found none/,
    },
    misshapen: {
      change: ({ config, weights }) => ({ config: { ...config, kvHeads: 1 } as never, weights }),
      message: /expected tensor layers\.0\.self_attn\.k_proj\.weight \[16, 64\], found \[32, 64\]/,
    },
    'left over': {
      change: ({ config, weights }) => ({ config: { ...config, layers: 2 } as never, weights }),
      message: /tensor layers\.2\.\S+ .* has no place in the model/,
    },
  };
  for (const [name, { change, message }] of Object.entries(faults)) {
    test(name, async () => {
      const place = join(folder, `fault-${name.replaceAll(' ', '-')}`);
      mkdirSync(place);
      const tower = change(await towerOf('llama-tiny'));
      const build = buildTextEngine(place, tower, { precision: 'fp32', portable: false });
      await assert.rejects(build, { code: 'ERR_CHECKPOINT_MISMATCH', message });
    });
  }
});
