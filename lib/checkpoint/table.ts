import type { Dtype } from './dtype';

/** Where one tensor lies: a strided view of bytes in a file. Nothing is read until conversion. */
export interface TensorEntry {
  /** Name in the checkpoint, as found. */
  name: string;
  dtype: Dtype;
  shape: number[];
  /** In elements, one a dimension; row-major for safetensors, whatever was pickled for torch files. */
  strides: number[];
  /** Absolute path of the file that holds the data. */
  file: string;
  /** Of element [0, 0, …], in bytes from the beginning of the file. */
  offset: number;
}

/** A parsed checkpoint: every tensor's place, and the JSON files found beside it. */
export interface CheckpointTable {
  format: 'safetensors' | 'torch';
  /** As the user gave it. */
  path: string;
  tensors: TensorEntry[];
  /** Which of several sets of weights these are. */
  stateDict: StateDictChoice;
  /** What JSON files say of it, in the order in which they are asked. */
  stated: StatedFile[];
}

/** The configuration of the model: given by hand, `config.json`, or an open_clip-style one. */
export function configOf({ stated }: CheckpointTable): StatedFile['content'] | undefined {
  return stated.find(({ about }) => about === 'model')?.content;
}

/** A JSON file that was given by hand or lies beside a checkpoint. */
export interface StatedFile {
  /** Without its folder. */
  name: string;
  /** Whether it is about the model, or about what becomes of pictures first. */
  about: 'model' | 'pictures';
  content: Record<string, unknown>;
}

/** Training scripts keep weights under a key, and sometimes those of several models. */
export interface StateDictChoice {
  /** Key under which the tensors were found, dots between nested ones; empty for the file itself. */
  key: string;
  /** Other keys that hold weights. */
  others: string[];
}

/** Of files that have no keys. */
export const ALL_OF_IT: StateDictChoice = { key: '', others: [] };
