import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const DIGITS = fileURLToPath(new URL('../fixtures/digits', import.meta.url));
export const CHECKPOINT = join(DIGITS, 'digits-eva02.pt');

/** Paths of the pictures of one folder, by name. */
export function digits(folder: 'gallery' | 'heldout'): string[] {
  const names = readdirSync(join(DIGITS, folder)).filter((name) => name.endsWith('.png'));
  return names.sort().map((name) => join(DIGITS, folder, name));
}

/** What timm makes of the held-out pictures, L2-normalised, by path below DIGITS. */
export function goldenDigits(): Map<string, number[]> {
  const { embeddings } = JSON.parse(readFileSync(join(DIGITS, 'golden.json'), 'utf8'));
  return new Map(Object.entries(embeddings as Record<string, number[]>));
}
