// The values of LLM2CLIP_ISA that this processor supports, and their effect on this process.
import { loadNative } from '#lib/native';

/** Features of the processor that each choice of kernels needs; see csrc/base/cpu_features.h. */
const NEEDS = {
  generic: [],
  avx512: ['avx512f'],
  avx512_vnni: ['avx512_vnni'],
  avx512_bf16: ['avx512_vnni', 'avx512_bf16'],
  amx: ['amx_bf16', 'amx_int8'],
} as const satisfies Record<string, readonly string[]>;
export type Isa = keyof typeof NEEDS;
export const ISAS = Object.keys(NEEDS) as Isa[];

/** Reason to skip tests with LLM2CLIP_ISA=isa on this processor, for node:test's `skip`. */
export function withoutIsa(isa: Isa): string | false {
  const features = new Set(loadNative().cpuFeatures());
  const missing = NEEDS[isa].filter((feature) => !features.has(feature));
  return missing.length > 0 && `the processor lacks ${missing.join(' and ')}`;
}

/** Reason to skip tests that need int8 products in linear layers, in this process. */
export function withoutInt8Products(): string | false {
  const { LLM2CLIP_ISA = '' } = process.env;
  const held = ['generic', 'avx512'].includes(LLM2CLIP_ISA);
  return held ? `LLM2CLIP_ISA=${LLM2CLIP_ISA} multiplies no int8` : withoutIsa('avx512_vnni');
}
