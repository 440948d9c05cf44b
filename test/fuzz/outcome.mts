import { DTYPE_BYTES } from '#lib/checkpoint/dtype';
import { elementSpan } from '#lib/checkpoint/extent';
import { resolveModel } from '#lib/checkpoint/layouts';
import type { NamedEntry } from '#lib/checkpoint/layouts/bind';
import { parseCheckpoint } from '#lib/checkpoint/load';
import { resolveLora } from '#lib/checkpoint/lora';
import { resolveAdapter } from '#lib/checkpoint/resolve-adapter';
import { resolveLlama } from '#lib/checkpoint/resolve-llama';
import type { CheckpointTable } from '#lib/checkpoint/table';
import { LLM2CLIPError } from '#lib/errors';
import { tableOf } from '../support/checkpoint-table.mts';

/** Reading may end in these ways, and in no other. An index's shards are never found. */
const EXPECTED = /^(ERR_CHECKPOINT_(FORMAT|UNSAFE|MISMATCH|UNSUPPORTED)|ERR_NOT_FOUND)$/;

/** The JSON files that lie beside a checkpoint. */
export type Beside = CheckpointTable['stated'];

export type Outcome = 'parsed' | 'resolved' | 'refused';

/**
 * Parses and resolves a checkpoint that lies in memory. Throws, as a bug, whatever is not one of
 * the expected refusals, and where a table reaches out of its file.
 */
export function outcomeOf(bytes: Buffer, beside: Beside): Outcome {
  let outcome: Outcome = 'refused';
  try {
    const table = parse(bytes);
    outcome = 'parsed';
    checkInside(table, bytes.length);
    const weights = RESOLVERS.map((resolve) =>
      attempt(() => resolve({ ...table, stated: beside })),
    );
    for (const found of weights) {
      checkInside({ ...table, tensors: found.map(({ entry }) => entry) }, bytes.length);
    }
    return weights.some((found) => found.length > 0) ? 'resolved' : 'parsed';
  } catch (error) {
    if (isExpected(error)) return outcome;
    throw error;
  }
}

/** Whatever a checkpoint may be read as: each finds its weights or refuses it. */
const RESOLVERS: readonly ((table: CheckpointTable) => NamedEntry[])[] = [
  (table) => resolveModel(table).weights,
  (table) => resolveAdapter(table)?.weights ?? [],
  (table) => resolveLlama(table).weights,
  (table) =>
    resolveLora(table, LORA_WEIGHTS).flatMap(({ name, a, b }) => [
      { name, entry: a },
      { name, entry: b },
    ]),
];

/** What the seed of a LoRA updates. */
const LORA_WEIGHTS = tableOf({ 'layers.0.self_attn.q_proj.weight': [2, 2] }).tensors.map(
  (entry) => ({ name: entry.name, entry }),
);

function attempt(resolve: () => NamedEntry[]): NamedEntry[] {
  try {
    return resolve();
  } catch (error) {
    if (isExpected(error)) return [];
    throw error;
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof LLM2CLIPError && EXPECTED.test(error.code);
}

function parse(bytes: Buffer): CheckpointTable {
  const path = '/fuzz/checkpoint';
  const read = (offset: number, length: number): Buffer => {
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new RangeError(`reads ${length} bytes at ${offset} of ${bytes.length}`);
    }
    return bytes.subarray(offset, offset + length);
  };
  return { path, stated: [], ...parseCheckpoint({ path, size: bytes.length, read }) };
}

function checkInside({ tensors }: CheckpointTable, size: number): void {
  for (const { name, dtype, shape, strides, offset } of tensors) {
    const end = offset + elementSpan(shape, strides) * DTYPE_BYTES[dtype];
    const sound = [...shape, ...strides, offset].every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!sound || strides.length !== shape.length || end > size) {
      throw new RangeError(`tensor ${name} ends at ${end} of ${size}`);
    }
  }
}
