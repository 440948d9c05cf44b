import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { andMore, type NamedEntry } from './layouts/bind';
import { type LoraConfig, readLoraConfig } from './lora-config';
import { isTarget } from './lora-targets';
import { readCheckpoint } from './read';
import { type CheckpointTable, configOf, type TensorEntry } from './table';

const FILES = ['adapter_model.safetensors', 'adapter_model.bin'];

/** Prefix that PEFT adds to the module names of the wrapped model. */
const WRAPPED = /^(?:base_model\.model\.|base_model\.)?/;

/**
 * Name of half an update. It captures the module's name, the canonical part of it, and the half.
 */
const HALF = /^((?:model\.){0,2}(layers\.\d+\.\w+\.\w+))\.lora_([AB])(?:\.default)?\.weight$/;

/** The output head over the vocabulary, which does not affect embeddings. */
const IGNORED = /^(?:model\.){0,2}lm_head\./;

/** Canonical names of the weights of linear layers. */
const LINEAR = /^layers\.\d+\.\w+\.\w+_proj\.weight$/;

/** An update of a linear layer: weight + scale · b · a. */
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

/** The tensors of an update, and the module's name in the model that PEFT wrapped. */
interface Halves {
  module: string;
  A?: TensorEntry;
  B?: TensorEntry;
}

/**
 * Reads a folder that PEFT wrote: `adapter_config.json` and the tensors of the updates.
 *
 * @throws LLM2CLIPError as readCheckpoint; ERR_NOT_FOUND if either file is missing
 */
export function readLora(folder: string): Promise<CheckpointTable> {
  const files = FILES.map((name) => join(folder, name));
  const file = files.find((path) => existsSync(path)) ?? join(folder, 'adapter_model.safetensors');
  return readCheckpoint(file, { config: join(folder, 'adapter_config.json') });
}

/**
 * Finds the weight of each update. The names of the tensors say which modules have an update. The
 * configuration must agree with them, as far as its patterns are supported here.
 *
 * @param weights weights of the model, by canonical name
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSUPPORTED for the configuration;
 *   ERR_CHECKPOINT_MISMATCH for halves that are missing, unknown or misshapen
 */
export function resolveLora(lora: CheckpointTable, weights: readonly NamedEntry[]): LoraUpdate[] {
  const config = readLoraConfig(configOf(lora) ?? {});
  const halves = findHalves(lora, config);
  const byName = new Map(weights.map(({ name, entry }) => [name, entry]));
  const updates = [...halves].map(([layer, { module, A, B }]): LoraUpdate => {
    const name = `${layer}.weight`;
    const weight = byName.get(name);
    if (weight === undefined) throw mismatch(lora, `is for ${quote(name)}, which the model lacks`);
    if (A === undefined) throw mismatch(lora, `lacks lora_A of ${quote(layer)}`);
    if (B === undefined) throw mismatch(lora, `lacks lora_B of ${quote(layer)}`);
    checkShapes(lora, config.rankOf(module), { weight, a: A, b: B });
    return { name, weight, a: A, b: B, scale: config.scaleOf(module) };
  });
  requireAll(lora, config, weights, halves);
  return updates;
}

/** Checks that every targeted layer has an update; otherwise the file is incomplete. */
function requireAll(
  lora: CheckpointTable,
  config: LoraConfig,
  weights: readonly NamedEntry[],
  halves: ReadonlyMap<string, Halves>,
): void {
  const [first] = halves;
  if (first === undefined) throw mismatch(lora, 'holds no update of a linear layer');
  const [layer, { module }] = first;
  const prefix = module.slice(0, module.length - layer.length);
  const [lacking, ...more] = weights
    .map(({ name }) => name)
    .filter((name) => LINEAR.test(name))
    .map((name) => name.replace(/\.weight$/, ''))
    .filter((name) => !halves.has(name) && isTarget(config, prefix + name) === true);
  if (lacking === undefined) return;
  throw mismatch(lora, `lacks the update of ${quote(`${lacking}.weight`)}${andMore(more.length)}`);
}

function findHalves(lora: CheckpointTable, config: LoraConfig): Map<string, Halves> {
  const halves = new Map<string, Halves>();
  const unknown: string[] = [];
  for (const entry of lora.tensors) {
    const name = entry.name.replace(WRAPPED, '');
    const [, module = '', layer, half] = HALF.exec(name) ?? [];
    if (layer === undefined || isTarget(config, module) === false) {
      if (!IGNORED.test(name)) unknown.push(entry.name);
      continue;
    }
    const of = halves.get(layer) ?? { module };
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
