// Tests processors with fewer instruction sets than this one, which LLM2CLIP_ISA simulates. Each
// choice of kernels runs in a process of its own and must agree with timm.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Precision } from 'llm2clip';
import { convertModel, ENGINE } from './support/device.mts';
import { CHECKPOINT, digits, goldenDigits, IMAGES } from './support/digits.mts';
import { ISAS, type Isa, withoutIsa } from './support/isa.mts';
import { once } from './support/once.mts';
import { temporaryFolder } from './support/temporary.mts';
import { cosine } from './support/vectors.mts';

const PROGRAM = fileURLToPath(new URL('./support/embed-images.mjs', import.meta.url));
const PRECISIONS = ['fp32', 'bf16', 'fp16', 'int8'] as const;
const GATES: Record<Precision, number> = { fp32: 0.99999, bf16: 0.999, fp16: 0.999, int8: 0.995 };

interface Choice {
  /** The kernels that compute fp32, bf16 and int8. */
  linear: { fp32: RegExp; bf16: RegExp; int8: RegExp };
  precision: Record<Precision, string>;
}

/** The cpu engine has a kernel of its own for every processor. */
const WITHOUT_TORCH = ENGINE === 'cpu';

const F32_ONLY = { fp32: 'fp32', bf16: 'fp32', fp16: 'fp32', int8: 'fp32' } as const;
const CHOICES: Record<Isa, Choice> = {
  generic: {
    linear: WITHOUT_TORCH
      ? { fp32: /own, generic$/, bf16: /own, generic$/, int8: /own, generic, from int8/ }
      : { fp32: /oneDNN/, bf16: /oneDNN/, int8: /oneDNN.*from int8/ },
    precision: F32_ONLY,
  },
  avx2: {
    linear: { fp32: /own, AVX2$/, bf16: /own, AVX2 in int16$/, int8: /own, AVX2$/ },
    precision: { fp32: 'fp32', bf16: 'int16', fp16: 'int16', int8: 'int8' },
  },
  avx_vnni: {
    linear: { fp32: /own, AVX2$/, bf16: /own, AVX-VNNI in int16$/, int8: /own, AVX-VNNI$/ },
    precision: { fp32: 'fp32', bf16: 'int16', fp16: 'int16', int8: 'int8' },
  },
  avx512: {
    linear: { fp32: /own, AVX-512$/, bf16: /own, AVX-512$/, int8: /own, AVX-512, from int8/ },
    precision: F32_ONLY,
  },
  avx512_vnni: {
    linear: { fp32: /own, AVX-512$/, bf16: /VNNI in int16$/, int8: /VNNI$/ },
    precision: { fp32: 'fp32', bf16: 'int16', fp16: 'int16', int8: 'int8' },
  },
  avx512_bf16: {
    linear: { fp32: /own, AVX-512$/, bf16: /AVX-512 BF16/, int8: /VNNI$/ },
    precision: { fp32: 'fp32', bf16: 'bf16', fp16: 'bf16', int8: 'int8' },
  },
  amx: {
    linear: {
      ...{ fp32: /own, AVX-512$/, bf16: WITHOUT_TORCH ? /own, AVX-512 BF16/ : /oneDNN/ },
      int8: /VNNI/,
    },
    precision: { fp32: 'fp32', bf16: 'bf16', fp16: 'bf16', int8: 'int8' },
  },
};

const folder = temporaryFolder();
const bundle = (precision: Precision) => join(folder, precision);

const images = [...goldenDigits().keys()].map((path) => join(IMAGES, path));

/** Embeds the digits that have goldens with all bundles. The program prints one line per bundle. */
const embed = once((isa: string) =>
  spawnSync(process.execPath, [PROGRAM, JSON.stringify(images), ...PRECISIONS.map(bundle)], {
    encoding: 'utf8',
    env: { ...process.env, LLM2CLIP_ISA: isa },
  }),
);

describe('LLM2CLIP_ISA', () => {
  before(async () => {
    const calibrate = digits('gallery');
    for (const precision of PRECISIONS) {
      const options = precision === 'int8' ? { calibrate } : {};
      await convertModel(CHECKPOINT, { out: bundle(precision), precision, ...options });
    }
  });

  for (const isa of ISAS) {
    const { linear, precision: computed } = CHOICES[isa];
    const skip = withoutIsa(isa);
    for (const [line, precision] of PRECISIONS.entries()) {
      test(`${isa}, ${precision}`, { skip }, () => {
        const { status, stdout, stderr } = embed(isa);
        assert.equal(status, 0, stderr);
        const found = JSON.parse(stdout.split('\n')[line] ?? '') as {
          precision: string;
          kernels: string[];
          rows: number[][];
          unfit: number[];
        };
        assert.equal(found.precision, computed[precision]);
        const kernel = precision === 'fp16' ? linear.bf16 : linear[precision];
        assert.match(found.kernels[0] as string, kernel);
        // An image with a NaN pixel must not give a plausible embedding.
        assert.deepEqual(found.unfit, [1, 1]);
        for (const [i, golden] of [...goldenDigits().values()].entries()) {
          const similarity = cosine(found.rows[i] as number[], golden);
          assert.ok(similarity >= GATES[precision], `image ${i}: cosine ${similarity}`);
        }
      });
    }
  }

  test('an unsupported choice is reported, and no other one runs instead', () => {
    const { status, stderr } = embed('sve2');
    assert.equal(status, 1);
    assert.match(stderr, /ERR_DEVICE_UNAVAILABLE/);
    assert.match(stderr, /expected LLM2CLIP_ISA .* found sve2/);
  });
});
