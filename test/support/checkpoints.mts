import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from '#lib/runtime/cache';
import {
  type SyntheticOptions,
  writeSyntheticCheckpoint,
} from '../../tools/synthetic/checkpoint.mts';

const SOURCES = ['random', 'scales', 'layouts', 'presets', 'checkpoint'].map(
  (name) => new URL(`../../tools/synthetic/${name}.mts`, import.meta.url),
);

/** Returns a cache key, which includes the source of the generator. */
async function keyOf(options: SyntheticOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for (const source of SOURCES) hash.update(await readFile(source));
  return `${options.preset}-${hash.digest('hex').slice(0, 16)}`;
}

/** Returns a synthetic checkpoint's file, which is made once and kept in the user's cache. */
export async function syntheticCheckpoint(options: SyntheticOptions): Promise<string> {
  const folder = join(cacheFolder(), 'test-checkpoints', await keyOf(options));
  const file = join(folder, options.format === 'torch' ? 'model.pt' : 'model.safetensors');
  if (existsSync(file)) return file;
  const temporary = `${folder}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(dirname(folder), { recursive: true });
    await writeSyntheticCheckpoint(temporary, options);
    await rename(temporary, folder);
  } catch (error) {
    if (!existsSync(file)) throw error; // Otherwise another process was faster.
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return file;
}
