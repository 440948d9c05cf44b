import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { refuseVariants } from './lora-variants';
import { PythonPattern, type StepBudget } from './python-pattern';
import { PatternUnsupported } from './python-pattern-parser';
import { isSection, type Section } from './section';

/** Modules in an `adapter_config.json`: ends of their names, or a regular expression. */
export type ModuleNames = readonly string[] | PythonPattern | 'all-linear' | 'unknown';

/** The configuration of a LoRA in an `adapter_config.json`. */
export interface LoraConfig {
  /** Returns the rank of a module's update. */
  rankOf: (module: string) => number;
  /** Returns the factor of B·A: alpha / r, or alpha / √r for rank-stabilised LoRA. */
  scaleOf: (module: string) => number;
  targets: ModuleNames;
  excluded: ModuleNames;
  /** Numbers of the layers that `targets` is limited to, if they are ends of names. */
  layers: readonly number[] | undefined;
  /** What must precede the layer number in a module's name; if empty, anything may. */
  layersPattern: readonly PythonPattern[];
}

/** Limit on the steps of pattern matching, far more than the patterns of a real file need. */
const MOST_STEPS = 20_000_000;

/** PEFT's target modules for a Llama if the file names none. */
const DEFAULT_TARGETS = ['q_proj', 'v_proj'];

/**
 * Reads an `adapter_config.json` of PEFT.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT for a field that is missing or of the wrong type,
 *   ERR_CHECKPOINT_UNSUPPORTED for another method than plain LoRA
 */
export function readLoraConfig(config: Section): LoraConfig {
  refuseVariants(config);
  const { r: rank, lora_alpha: alpha } = config;
  if (!isRank(rank)) throw wrong('r', rank, 'a positive integer');
  if (!isPositive(alpha)) throw wrong('lora_alpha', alpha, 'a positive number');
  const budget: StepBudget = { left: MOST_STEPS };
  const rankOf = byModule(config, 'rank_pattern', budget, isRank, 'positive integers', rank);
  const alphaOf = byModule(config, 'alpha_pattern', budget, isPositive, 'positive numbers', alpha);
  const divisor = config.use_rslora === true ? Math.sqrt : (r: number) => r;
  const targets = config.target_modules ?? DEFAULT_TARGETS;
  return {
    rankOf,
    scaleOf: (module) => alphaOf(module) / divisor(rankOf(module)),
    targets: readNames('target_modules', targets, budget, 1),
    excluded: readNames('exclude_modules', config.exclude_modules || [], budget, 0),
    layers: readLayers(config.layers_to_transform),
    layersPattern: readLayersPattern(config.layers_pattern, budget),
  };
}

/**
 * Looks up a value by module. As in PEFT, the first pattern that matches the end of the name
 * decides.
 */
function byModule(
  config: Section,
  key: string,
  budget: StepBudget,
  isValue: (value: unknown) => value is number,
  expected: string,
  fallback: number,
): (module: string) => number {
  const stated = config[key] ?? {};
  const entries = isSection(stated) ? Object.entries(stated) : [];
  if (!isSection(stated) || !entries.every(([, value]) => isValue(value))) {
    throw wrong(key, stated, `${expected} by names of modules`);
  }
  const patterns = entries.map(([source, value]) => ({
    pattern: supported(key, () => new PythonPattern(source, budget)),
    value: value as number,
  }));
  return (module) =>
    supported(
      key,
      () => patterns.find(({ pattern }) => pattern.matchesEnd(module))?.value ?? fallback,
    );
}

/** Refuses a pattern that cannot be matched here, because a value depends on it. */
function supported<T>(key: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    if (!(cause instanceof PatternUnsupported)) throw cause;
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `${quote(key)} in adapter_config.json has a regular expression that is not matched here: ` +
        `${cause.message}; merge the LoRA in Python (PEFT merge_and_unload) and save the model`,
      { cause },
    );
  }
}

function readNames(key: string, found: unknown, budget: StepBudget, least: number): ModuleNames {
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== '';
  if (Array.isArray(found) && found.length >= least && found.every(isName)) return found;
  if (!isName(found)) throw wrong(key, found, 'an array of names or a regular expression');
  if (found.toLowerCase() === 'all-linear') return 'all-linear';
  try {
    return new PythonPattern(found, budget);
  } catch (error) {
    // Without the pattern, the names of the tensors say which modules have an update.
    if (error instanceof PatternUnsupported) return 'unknown';
    throw error;
  }
}

function readLayers(found: unknown): readonly number[] | undefined {
  if (found === undefined || found === null) return undefined;
  const layers: unknown[] = Array.isArray(found) ? found : [found];
  const isIndex = (layer: unknown): layer is number => Number.isSafeInteger(layer);
  if (!layers.every(isIndex)) throw wrong('layers_to_transform', found, 'numbers of layers');
  return layers.length === 0 ? undefined : layers;
}

function readLayersPattern(found: unknown, budget: StepBudget): readonly PythonPattern[] {
  const sources: unknown[] = Array.isArray(found) ? found : [found ?? ''];
  return sources
    .filter((source) => source !== '')
    .map((source) => {
      if (typeof source !== 'string') throw wrong('layers_pattern', found, 'names');
      return supported('layers_pattern', () => new PythonPattern(source, budget));
    });
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isRank(value: unknown): value is number {
  return isPositive(value) && Number.isSafeInteger(value);
}

function wrong(key: string, found: unknown, expected: string): LLM2CLIPError {
  const shown = found === undefined ? 'missing' : quote(JSON.stringify(found));
  const message = `${quote(key)} in adapter_config.json is ${shown}, expected ${expected}`;
  return new LLM2CLIPError('ERR_CHECKPOINT_FORMAT', message);
}
