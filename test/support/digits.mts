import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIGITS = fileURLToPath(new URL('../fixtures/digits', import.meta.url));
/** Of the folders `gallery` and `heldout`, which the set-up unpacks. */
export const PICTURES = fileURLToPath(new URL('../../build/digits', import.meta.url));
/** Vision tower and adapter. */
export const CHECKPOINT = join(DIGITS, 'digits-eva02.pt');
/** The language model's folder. */
export const LLM = join(DIGITS, 'llm');

/** What tools/train-digits.py writes, as far as tests read it. */
interface Golden {
  embeddings: Record<string, number[]>;
  texts: { text: string; embedding: number[] }[];
  classes: string[];
  templates: string[];
}

/** Paths of the pictures of one folder, by name. */
export function digits(folder: 'gallery' | 'heldout'): string[] {
  const names = readdirSync(join(PICTURES, folder)).sort();
  return names.map((name) => join(PICTURES, folder, name));
}

function readGolden(): Golden {
  return JSON.parse(readFileSync(join(DIGITS, 'golden.json'), 'utf8')) as Golden;
}

/** What timm makes of some held-out pictures, by path below PICTURES. */
export function goldenDigits(): Map<string, number[]> {
  return new Map(Object.entries(readGolden().embeddings));
}

/** What transformers and PyTorch make of some texts. */
export function goldenTexts(): Map<string, number[]> {
  return new Map(readGolden().texts.map(({ text, embedding }) => [text, embedding]));
}

/** The names of the digits, by digit, and templates for them that the model was not trained on. */
export function zeroShotPrompts(): Pick<Golden, 'classes' | 'templates'> {
  return readGolden();
}
