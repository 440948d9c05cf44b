import { LLM2CLIPError } from '../errors';
import { MAX_DICT_DEPTH, MAX_DICT_ENTRIES } from './limits';
import { PickleDict } from './pickle-values';
import { TorchTensor } from './torch-objects';

/** Keys under which training scripts save the weights, in order of preference. */
const WEIGHTS = [
  ...['model', 'module', 'state_dict', 'model_state_dict', 'model_state', 'net', 'network'],
  ...['net_state_dict', 'weights', 'params'],
];
/**
 * Keys of averaged weights, which are used only if there are no others or if the user asks for
 * them.
 */
const AVERAGES = [
  ...['ema', 'model_ema', 'state_dict_ema', 'ema_state_dict', 'ema_model', 'model_ema_state_dict'],
  ...['ema_model_state_dict', 'ema_state', 'params_ema', 'averaged_model', 'swa_model'],
  ...['swa_state_dict', 'shadow'],
];
const KEYS: readonly string[] = [...WEIGHTS, ...AVERAGES];

/** A dictionary of weights, and its key in the file. */
export interface StateDict {
  /** Path of keys, joined by dots; empty for the outermost dictionary. */
  key: string;
  dict: PickleDict;
}

/**
 * Finds every dictionary of weights under the keys that training scripts use, or else `root`
 * itself.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT
 */
export function findStateDicts(root: PickleDict, path: string): StateDict[] {
  const found = new StateDictSearch(path).within({ key: '', dict: root }, 0);
  return found.length === 0 ? [{ key: '', dict: root }] : found;
}

class StateDictSearch {
  readonly #path: string;
  readonly #known = new Set<PickleDict>();
  #visits = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Searches a dictionary. Each dictionary counts once, under its first key, even if it contains
   * itself.
   */
  within({ key, dict }: StateDict, depth: number): StateDict[] {
    if (depth > MAX_DICT_DEPTH) throw malformedStateDict(this.#path, 'its keys never end');
    this.#known.add(dict);
    return KEYS.flatMap((name) => {
      const inner = dict.entries.get(name);
      if (!(inner instanceof PickleDict) || this.#known.has(inner)) return [];
      if (!this.#holdsTensors(inner)) return [];
      const outer = { key: key === '' ? name : `${key}.${name}`, dict: inner };
      const further = this.within(outer, depth + 1);
      return further.length === 0 ? [outer] : further;
    });
  }

  #holdsTensors(dict: PickleDict): boolean {
    const seen = new Set([dict]);
    for (const each of seen) {
      for (const value of each.entries.values()) {
        if (++this.#visits > MAX_DICT_ENTRIES) {
          throw malformedStateDict(this.#path, `it holds more than ${MAX_DICT_ENTRIES} entries`);
        }
        if (value instanceof TorchTensor) return true;
        if (value instanceof PickleDict) seen.add(value);
      }
    }
    return false;
  }
}

export function malformedStateDict(path: string, problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${path} is not a valid torch checkpoint: ${problem}`,
  );
}
