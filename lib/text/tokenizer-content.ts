import { join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { openRegularFile } from '../files/regular-file';

/** Llama 3's tokenizer.json has 9 MB. */
const MAX_BYTES = 1 << 26;

/** Where a tokenizer lies. */
export interface TokenizerFiles {
  /** Of tokenizer.json. */
  path: string;
  /** Of tokenizer_config.json, which need not be there. */
  configPath?: string | undefined;
}

/** What these files hold, in memory that threads share: a thread that hangs is replaced without them. */
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

/** @throws {LLM2CLIPError} ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_FORMAT for a file that is too large */
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
