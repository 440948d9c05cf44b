import { LLM2CLIPError } from '../errors';
import { MAX_TENSORS } from './limits';
import { PickleDict, type PickleValue } from './pickle-values';
import { quote } from './quote';
import { TorchTensor } from './torch-objects';

/** Keys under which training scripts keep the weights, beside the optimizer and the like. */
const WRAPPERS = ['model', 'module', 'state_dict'];
const MAX_DEPTH = 16;
/** A dict may be referred to again and again: bounds the visits, not only the dicts. */
const MAX_VISITS = 10 * MAX_TENSORS;

/**
 * Finds the weights in what a torch file holds and gives them flat names: outer `model`, `module`
 * and `state_dict` are unwrapped, inner dicts joined with dots, all but tensors left out.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSUPPORTED where there is no dict
 */
export function flattenStateDict(root: PickleValue, path: string): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  let visits = 0;
  const visit = (dict: PickleDict, prefix: string, depth: number): void => {
    if (depth > MAX_DEPTH)
      throw malformed(path, `dicts are nested deeper than ${MAX_DEPTH} levels`);
    for (const [key, value] of dict.entries) {
      if (++visits > MAX_VISITS) throw malformed(path, `it holds more than ${MAX_VISITS} entries`);
      const name = `${prefix}${key}`;
      if (value instanceof PickleDict) visit(value, `${name}.`, depth + 1);
      if (!(value instanceof TorchTensor)) continue;
      if (tensors.has(name)) throw malformed(path, `tensor ${quote(name)} is there twice`);
      tensors.set(name, value);
      if (tensors.size > MAX_TENSORS) throw malformed(path, `more than ${MAX_TENSORS} tensors`);
    }
  };
  visit(unwrap(root, path), '', 0);
  return tensors;
}

function unwrap(root: PickleValue, path: string): PickleDict {
  let dict = root;
  for (let depth = 0; depth < MAX_DEPTH && dict instanceof PickleDict; depth++) {
    const { entries } = dict;
    const inner = WRAPPERS.map((key) => entries.get(key)).find((v) => v instanceof PickleDict);
    if (inner === undefined) return dict;
    dict = inner;
  }
  if (dict instanceof PickleDict) throw malformed(path, 'its wrappers never end');
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `${path} holds no dictionary of weights; save model.state_dict() with torch.save`,
  );
}

function malformed(path: string, problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${path} is not a valid torch checkpoint: ${problem}`,
  );
}
