import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { andMore, type NamedEntry } from './layouts/bind';
import { type LoraConfig, readLoraConfig } from './lora-config';
import { quote } from './quote';
import { readCheckpoint } from './read';
import { type CheckpointTable, configOf, type TensorEntry } from './table';

const FILES = ['adapter_model.safetensors', 'adapter_model.bin'];

/** PEFT's name of half an update: the linear layer's canonical name, and which half. */
const HALF =
  /^(?:base_model\.)?(?:model\.){0,2}(layers\.\d+\.\w+\.\w+)\.lora_([AB])(?:\.default)?\.weight$/;

/** An update of one linear layer: weight + scale · b · a. */
export interface LoraUpdate {
  /** Canonical name of the weight. */
  name: string;
  /** [out, in] */
  weight: TensorEntry;
  /** [r, in] */
  a: TensorEntry;
  /** [out, r] */
  b: TensorEntry;
  scale: number;
}

/**
 * Reads a folder that PEFT wrote: `adapter_config.json`, and the updates' tensors.
 *
 * @throws {LLM2CLIPError} as readCheckpoint; ERR_NOT_FOUND for either file
 */
export function readLora(folder: string): Promise<CheckpointTable> {
  const files = FILES.map((name) => join(folder, name));
  const file = files.find((path) => existsSync(path)) ?? join(folder, 'adapter_model.safetensors');
  return readCheckpoint(file, { config: join(folder, 'adapter_config.json') });
}

/**
 * Finds for each update the weight that it is of.
 *
 * @param weights of the model, by canonical name
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSUPPORTED for the configuration;
 *   ERR_CHECKPOINT_MISMATCH for halves that are missing, unknown or misshapen
 */
export function resolveLora(lora: CheckpointTable, weights: readonly NamedEntry[]): LoraUpdate[] {
  const config = readLoraConfig(configOf(lora) ?? {});
  const halves = findHalves(lora, config);
  const byName = new Map(weights.map(({ name, entry }) => [name, entry]));
  const updates = [...halves].map(([layer, { A, B }]): LoraUpdate => {
    const name = `${layer}.weight`;
    const weight = byName.get(name);
    if (weight === undefined) throw mismatch(lora, `is for ${quote(name)}, which the model lacks`);
    if (A === undefined) throw mismatch(lora, `lacks lora_A of ${quote(layer)}`);
    if (B === undefined) throw mismatch(lora, `lacks lora_B of ${quote(layer)}`);
    checkShapes(lora, config.rank, { weight, a: A, b: B });
    return { name, weight, a: A, b: B, scale: config.scale };
  });
  requireAll(lora, config, weights, updates);
  return updates;
}

/** Every layer that the configuration names has its update, or a damaged file would pass for a whole one. */
function requireAll(
  lora: CheckpointTable,
  { targets }: LoraConfig,
  weights: readonly NamedEntry[],
  updates: readonly LoraUpdate[],
): void {
  const updated = new Set(updates.map(({ name }) => name));
  for (const target of targets) {
    const named = weights.filter(({ name }) => name.endsWith(`.${target}.weight`));
    if (named.length === 0) throw mismatch(lora, `is for ${quote(target)}, which the model lacks`);
    const [first, ...more] = named.filter(({ name }) => !updated.has(name));
    if (first === undefined) continue;
    throw mismatch(lora, `lacks the update of ${quote(first.name)}${andMore(more.length)}`);
  }
}

type Halves = Partial<Record<'A' | 'B', TensorEntry>>;

function findHalves(lora: CheckpointTable, { targets }: LoraConfig): Map<string, Halves> {
  const halves = new Map<string, Halves>();
  const unknown: string[] = [];
  for (const entry of lora.tensors) {
    const [, layer, half] = HALF.exec(entry.name) ?? [];
    if (layer === undefined || !targets.some((target) => layer.endsWith(`.${target}`))) {
      unknown.push(entry.name);
      continue;
    }
    const of = halves.get(layer) ?? {};
    const key = half === 'A' ? 'A' : 'B';
    if (of[key] !== undefined) throw mismatch(lora, `holds two lora_${key} of ${quote(layer)}`);
    halves.set(layer, { ...of, [key]: entry });
  }
  const [first, ...more] = unknown;
  if (first === undefined) return halves;
  const others = andMore(more.length);
  throw mismatch(lora, `holds tensor ${quote(first)}${others}, which is no update it announces`);
}

function checkShapes(
  lora: CheckpointTable,
  rank: number,
  { weight, a, b }: Pick<LoraUpdate, 'weight' | 'a' | 'b'>,
): void {
  const [out, input] = weight.shape;
  for (const { entry, expected } of [
    { entry: a, expected: [rank, input] },
    { entry: b, expected: [out, rank] },
  ]) {
    if (entry.shape.join() === expected.join()) continue;
    const found = `tensor ${quote(entry.name)} of shape [${entry.shape}]`;
    throw mismatch(lora, `holds ${found}, expected [${expected}]`);
  }
}

function mismatch({ path }: CheckpointTable, problem: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', `the LoRA ${path} ${problem}`);
}
