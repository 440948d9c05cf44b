// The record that scripts/gpu-check.sh writes.
import { readFileSync } from 'node:fs';

interface Step {
  name: string;
  status: string;
  reason?: string;
  decides: string;
  command: string;
  result: unknown;
  gpu: string;
  lastLines?: string[];
}
interface Gate {
  engine: string;
  goal: string;
  found: number | null;
  met: boolean | null;
}
interface Ratio {
  engine: string;
  precision: string;
  batch: number;
  timesEager?: number;
  timesCompiled?: number;
}
export interface GpuRecord {
  gpu: string;
  gates: Gate[];
  ratios: Ratio[];
  steps: Step[];
}

export const readRecord = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as GpuRecord;
