import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIGITS = fileURLToPath(new URL('../fixtures/digits', import.meta.url));
/** Parent of the folders `gallery` and `heldout`, which the set-up unpacks. */
export const IMAGES = fileURLToPath(new URL('../../build/digits', import.meta.url));
/** Checkpoint of the vision tower and the adapter. */
export const CHECKPOINT = join(DIGITS, 'digits-eva02.pt');
/** Folder of the language model. */
export const LLM = join(DIGITS, 'llm');

/** The part of tools/train-digits.py's output that tests read. */
interface Golden {
  embeddings: Record<string, number[]>;
  texts: { text: string; embedding: number[] }[];
  classes: string[];
  templates: string[];
}

/** Returns the paths of the images in a folder, sorted by name. */
export function digits(folder: 'gallery' | 'heldout'): string[] {
  const names = readdirSync(join(IMAGES, folder)).sort();
  return names.map((name) => join(IMAGES, folder, name));
}

function readGolden(): Golden {
  return JSON.parse(readFileSync(join(DIGITS, 'golden.json'), 'utf8')) as Golden;
}

/** Returns timm's embeddings of some held-out images, by path below IMAGES. */
export function goldenDigits(): Map<string, number[]> {
  return new Map(Object.entries(readGolden().embeddings));
}

/** Returns the embeddings of some texts by transformers and PyTorch. */
export function goldenTexts(): Map<string, number[]> {
  return new Map(readGolden().texts.map(({ text, embedding }) => [text, embedding]));
}

/** Returns the names of the digits, in order, and templates that the model was not trained on. */
export function zeroShotPrompts(): Pick<Golden, 'classes' | 'templates'> {
  return readGolden();
}
