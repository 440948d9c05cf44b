import { join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { openRegularFile } from '../files/regular-file';

/** Largest tokenizer.json that is read; Llama 3's has 9 MB. */
const MAX_BYTES = 1 << 26;

/** Paths of a tokenizer's files. */
export interface TokenizerFiles {
  /** Path of tokenizer.json. */
  path: string;
  /** Path of tokenizer_config.json, which need not exist. */
  configPath?: string | undefined;
}

/**
 * The contents of these files in shared memory, so that a thread that hangs can be replaced without
 * reading them again.
 */
export interface TokenizerContent {
  path: string;
  bytes: Uint8Array;
  config?: { path: string; bytes: Uint8Array };
}

export function tokenizerFiles(folder: string): TokenizerFiles {
  return {
    path: join(folder, 'tokenizer.json'),
    configPath: join(folder, 'tokenizer_config.json'),
  };
}

/**
 * Reads a tokenizer's files into shared memory.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_FORMAT for a file that is too large
 */
export async function readTokenizer(files: TokenizerFiles): Promise<TokenizerContent> {
  const { path, configPath } = files;
  const bytes = await readShared(path);
  const config = configPath === undefined ? undefined : await readIfThere(configPath);
  return {
    path,
    bytes,
    ...(config && configPath && { config: { path: configPath, bytes: config } }),
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readShared(path);
  } catch (error) {
    if (error instanceof LLM2CLIPError && error.code === 'ERR_NOT_FOUND') return undefined;
    throw error;
  }
}

async function readShared(path: string): Promise<Uint8Array> {
  const file = await openRegularFile(path, 'a tokenizer');
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw malformedTokenizer(path, `has ${size} bytes`);
    const content = await file.readFile();
    const bytes = new Uint8Array(new SharedArrayBuffer(content.length));
    bytes.set(content);
    return bytes;
  } finally {
    await file.close();
  }
}

export function malformedTokenizer(path: string, problem: string, cause?: unknown): LLM2CLIPError {
  const message = `${path} is not a valid tokenizer: it ${problem}; download it again`;
  return new LLM2CLIPError('ERR_CHECKPOINT_FORMAT', message, { cause });
}

export function unsupportedTokenizer(
  path: string,
  problem: string,
  cause?: unknown,
): LLM2CLIPError {
  const message = `${path} is not the tokenizer of a Llama 3: it ${problem}`;
  return new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', message, { cause });
}
