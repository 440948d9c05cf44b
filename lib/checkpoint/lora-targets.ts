import type { LoraConfig, ModuleNames } from './lora-config';
import { PythonPattern } from './python-pattern';
import { PatternUnsupported } from './python-pattern-parser';

/** The number of a layer in a module's name, and what precedes it. */
const LAYER = /^(.*?)\.(\d+)\./;

/**
 * Whether a configuration targets a linear layer, by the rules of PEFT. Undefined if only a regular
 * expression that is not supported here could tell.
 *
 * @param module name in the model that PEFT wrapped, e.g. "model.layers.0.self_attn.q_proj"
 */
export function isTarget(config: LoraConfig, module: string): boolean | undefined {
  const excluded = isNamed(config.excluded, module);
  if (excluded === true) return false;
  const named = isNamed(config.targets, module) && isInLayers(config, module);
  return named === true && excluded === undefined ? undefined : named;
}

function isNamed(names: ModuleNames, module: string): boolean | undefined {
  if (names === 'unknown') return undefined;
  if (names === 'all-linear') return true;
  if (names instanceof PythonPattern) return known(() => names.matchesAll(module));
  return names.some((name) => module === name || module.endsWith(`.${name}`));
}

/** Checks `layers_to_transform`, which limits only modules named by the ends of their names. */
function isInLayers(
  { targets, layers, layersPattern }: LoraConfig,
  module: string,
): boolean | undefined {
  if (layers === undefined || !Array.isArray(targets) || targets.includes(module)) return true;
  const [, before = '', layer] = LAYER.exec(module) ?? [];
  if (layer === undefined || !layers.includes(Number(layer))) return false;
  if (layersPattern.length === 0) return true;
  return known(() => layersPattern.some((pattern) => pattern.matchesEnd(before)));
}

function known(matches: () => boolean): boolean | undefined {
  try {
    return matches();
  } catch (error) {
    if (error instanceof PatternUnsupported) return undefined;
    throw error;
  }
}
