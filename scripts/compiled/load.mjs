// A module hook for Node. It loads this project's .mts files from the folder of compileTests(). The
// modules keep the URLs of the sources.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.mts')) return nextLoad(url, context);
  const folder = process.env.LLM2CLIP_COMPILED_TESTS ?? '';
  const compiled = join(folder, relative(ROOT, fileURLToPath(url)));
  if (!folder || !existsSync(compiled)) return nextLoad(url, context);
  return { format: 'module', shortCircuit: true, source: readFileSync(compiled, 'utf8') };
}
