// What LLM2CLIP_ISA may name on this processor, and what it makes of this process.
import { loadNative } from '#lib/native';

/** Features of the processor that each choice of kernels needs, see csrc/base/cpu_features.h. */
const NEEDS = {
  generic: [],
  avx512: ['avx512f'],
  avx512_vnni: ['avx512_vnni'],
  avx512_bf16: ['avx512_vnni', 'avx512_bf16'],
  amx: ['amx_bf16', 'amx_int8'],
} as const satisfies Record<string, readonly string[]>;
export type Isa = keyof typeof NEEDS;
export const ISAS = Object.keys(NEEDS) as Isa[];

/** For node:test's `skip`: what a process with LLM2CLIP_ISA=isa lacks here. */
export function withoutIsa(isa: Isa): string | false {
  const features = new Set(loadNative().cpuFeatures());
  const missing = NEEDS[isa].filter((feature) => !features.has(feature));
  return missing.length > 0 && `the processor lacks ${missing.join(' and ')}`;
}

/** The same where linears of int8 do not round what they are given, in this process. */
export function withoutInt8Products(): string | false {
  const { LLM2CLIP_ISA = '' } = process.env;
  const held = ['generic', 'avx512'].includes(LLM2CLIP_ISA);
  return held ? `LLM2CLIP_ISA=${LLM2CLIP_ISA} multiplies no int8` : withoutIsa('avx512_vnni');
}
