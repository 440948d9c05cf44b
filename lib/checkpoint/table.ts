import type { Dtype } from './dtype';

/**
 * Position of a tensor: a strided view of bytes in a file. The bytes are read only in the
 * conversion.
 */
export interface TensorEntry {
  /** Name in the checkpoint, as found. */
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Strides in elements: row-major for safetensors, any for torch files. */
  strides: number[];
  /** Absolute path of the file that holds the data. */
  file: string;
  /** Offset of element [0, 0, …] in the file, in bytes. */
  offset: number;
}

/** A parsed checkpoint: the positions of its tensors, and the JSON files beside it. */
export interface CheckpointTable {
  format: 'safetensors' | 'torch';
  /** Path that the user gave. */
  path: string;
  tensors: TensorEntry[];
  /** Says which of several sets of weights these are. */
  stateDict: StateDictChoice;
  /** Configuration files, in order of precedence. */
  stated: StatedFile[];
}

/**
 * Returns the model's configuration: the one the user named, `config.json`, or an open_clip config.
 */
export function configOf({ stated }: CheckpointTable): StatedFile['content'] | undefined {
  return stated.find(({ about }) => about === 'model')?.content;
}

/** A JSON file that the user named or that is beside a checkpoint. */
export interface StatedFile {
  /** File name without the folder. */
  name: string;
  /** Whether it describes the model or the preprocessing of images. */
  about: 'model' | 'images';
  content: Record<string, unknown>;
}

/**
 * The chosen set of weights. Training scripts save weights under a key, sometimes of several
 * models.
 */
export interface StateDictChoice {
  /**
   * Key under which the tensors were found, with nested keys joined by dots; empty without a key.
   */
  key: string;
  /** Other keys that hold weights. */
  others: string[];
}

/** The choice for files without keys. */
export const ALL_OF_IT: StateDictChoice = { key: '', others: [] };
