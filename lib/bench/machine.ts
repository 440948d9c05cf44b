import { execFileSync } from 'node:child_process';
import { release } from 'node:os';
import { describeRuntime } from '../runtime/describe';
import type { Machine } from './record';

/** Returns the name and driver of the first GPU, from nvidia-smi. */
function findGpu(): Pick<Machine, 'gpu' | 'driver'> {
  try {
    const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
    const said = execFileSync('nvidia-smi', query, { encoding: 'utf8', stdio: 'pipe' });
    const [gpu = null, driver = null] = (said.split('\n')[0] ?? '').split(', ');
    return { gpu, driver };
  } catch {
    return { gpu: null, driver: null };
  }
}

/** Describes the machine and the versions of its software. */
export async function describeMachine(): Promise<Machine> {
  const { llm2clip, node, platform, glibc, cpu, memoryBytes, libtorch } = await describeRuntime();
  const { versions } = require('sharp') as { versions: { sharp: string; vips: string } };
  return {
    cpu: cpu.model,
    cores: cpu.threads,
    features: cpu.features,
    memoryBytes,
    ...findGpu(),
    platform,
    kernel: release(),
    versions: {
      llm2clip,
      node,
      libtorch: libtorch.expected,
      sharp: versions.sharp,
      libvips: versions.vips,
      ...(glibc === null ? {} : { glibc }),
    },
  };
}
