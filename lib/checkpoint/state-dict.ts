import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { MAX_DICT_DEPTH, MAX_DICT_ENTRIES, MAX_TENSORS } from './limits';
import { PickleDict, type PickleValue } from './pickle-values';
import { findStateDicts, malformedStateDict, type StateDict } from './state-dict-keys';
import type { CheckpointTable, StateDictChoice } from './table';
import { TorchTensor } from './torch-objects';

/** The content of a checkpoint file, without the configuration files beside it. */
export type ParsedFile = Pick<CheckpointTable, 'format' | 'tensors' | 'stateDict'>;

/**
 * Finds the weights in a torch file: those under `key`, or else under the first of the keys that
 * training scripts use. Plain weights take precedence over averaged ones.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT; ERR_CHECKPOINT_UNSUPPORTED if there is no dict,
 *   ERR_CHECKPOINT_MISMATCH if there are no weights under `key`
 */
export function weightsOf(
  root: PickleValue,
  path: string,
  key?: string,
): { tensors: Map<string, TorchTensor>; stateDict: StateDictChoice } {
  if (!(root instanceof PickleDict)) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `${path} holds no dictionary of weights; save model.state_dict() with torch.save`,
    );
  }
  const found = findStateDicts(root, path);
  const taken = key === undefined ? found[0] : (named(found, key) ?? at(root, key, path));
  if (taken === undefined) throw noSuchKey(path, key ?? '', found);
  const others = found.map((each) => each.key).filter((each) => each !== '' && each !== taken.key);
  return { tensors: flatten(taken.dict, path), stateDict: { key: taken.key, others } };
}

/** Finds a dictionary by its key. "ema" also finds a nested one, e.g. "ema.module". */
function named(found: readonly StateDict[], key: string): StateDict | undefined {
  return (
    found.find((each) => each.key === key) ?? found.find((each) => each.key.startsWith(`${key}.`))
  );
}

/** Finds any dictionary of the file by its path of keys, joined by dots. */
function at(root: PickleDict, key: string, path: string): StateDict | undefined {
  let dict: PickleValue | undefined = root;
  let rest = key;
  while (dict instanceof PickleDict && rest !== '') {
    const whole: PickleValue | undefined = dict.entries.get(rest);
    const [first = ''] = rest.split('.');
    dict = whole ?? dict.entries.get(first);
    rest = whole === undefined ? rest.slice(first.length + 1) : '';
  }
  if (!(dict instanceof PickleDict) || dict === root) return undefined;
  const [inner] = findStateDicts(dict, path);
  return inner && { key: inner.key === '' ? key : `${key}.${inner.key}`, dict: inner.dict };
}

function noSuchKey(path: string, key: string, found: readonly StateDict[]): LLM2CLIPError {
  const keys = found.map((each) => quote(each.key)).filter((each) => each !== '""');
  const instead = keys.length === 0 ? 'the file holds one set of weights alone' : keys.join(', ');
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `expected weights under the key ${quote(key)} in ${path}, found none; there are: ${instead}`,
  );
}

/**
 * Flattens nested dicts to tensors by name, with keys joined by dots. Other values are left out.
 */
function flatten(root: PickleDict, path: string): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  let visits = 0;
  const visit = (dict: PickleDict, prefix: string, depth: number): void => {
    if (depth > MAX_DICT_DEPTH)
      throw malformedStateDict(path, `dicts are nested deeper than ${MAX_DICT_DEPTH} levels`);
    for (const [key, value] of dict.entries) {
      if (++visits > MAX_DICT_ENTRIES)
        throw malformedStateDict(path, `it holds more than ${MAX_DICT_ENTRIES} entries`);
      // Names of weights are strings, or numbers for the modules of a list.
      if (typeof key !== 'string' && typeof key !== 'number') continue;
      const name = `${prefix}${key}`;
      if (value instanceof PickleDict) visit(value, `${name}.`, depth + 1);
      if (!(value instanceof TorchTensor)) continue;
      if (tensors.has(name)) throw malformedStateDict(path, `tensor ${quote(name)} is there twice`);
      tensors.set(name, value);
      if (tensors.size > MAX_TENSORS)
        throw malformedStateDict(path, `more than ${MAX_TENSORS} tensors`);
    }
  };
  visit(root, '', 0);
  return tensors;
}
