import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from '#lib/runtime/cache';
import { writeLlamaTokenizer } from '../../tools/synthetic/tokenizer.mts';

const SOURCE = new URL('../../tools/synthetic/tokenizer.mts', import.meta.url);

/** Returns a folder with Llama 3's tokenizer, which is made once and kept in the user's cache. */
export async function llamaTokenizer(): Promise<string> {
  const key = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const folder = join(cacheFolder(), 'test-tokenizers', key);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(dirname(folder), { recursive: true });
    writeLlamaTokenizer(temporary);
    await rename(temporary, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // Otherwise another process was faster.
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}
