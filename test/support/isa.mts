// The values of LLM2CLIP_ISA that this processor supports, and their effect on this process.
import { loadNative } from '#lib/native';

/** Features of the processor that each choice of kernels needs; see csrc/base/cpu_features.h. */
const NEEDS = {
  generic: [],
  avx2: ['avx2', 'fma'],
  avx_vnni: ['avx_vnni or avx512_vnni'],
  avx512: ['avx512f'],
  avx512_vnni: ['avx512_vnni'],
  avx512_bf16: ['avx512_vnni', 'avx512_bf16'],
  amx: ['amx_bf16', 'amx_int8'],
} as const satisfies Record<string, readonly string[]>;
export type Isa = keyof typeof NEEDS;
export const ISAS = Object.keys(NEEDS) as Isa[];

/** The choices that compute int8 linear layers in fp32. */
const WITHOUT_INT8: readonly string[] = ['generic', 'avx512'] satisfies Isa[];

/** Reason to skip tests with LLM2CLIP_ISA=isa on this processor, for node:test's `skip`. */
export function withoutIsa(isa: Isa): string | false {
  const features = new Set(loadNative().cpuFeatures());
  const missing = NEEDS[isa].filter((one) => !one.split(' or ').some((f) => features.has(f)));
  return missing.length > 0 && `the processor lacks ${missing.join(' and ')}`;
}

/** Reason to skip tests that need int8 products in linear layers, in this process. */
export function withoutInt8Products(): string | false {
  const isa = loadNative().cpuIsa();
  return WITHOUT_INT8.includes(isa) && `LLM2CLIP_ISA=${isa} multiplies no int8`;
}
