import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { isObject } from '../arguments';
import { withFile } from '../checkpoint/byte-source';
import { quote } from '../checkpoint/quote';
import { LLM2CLIPError } from '../errors';
import { BEGIN_OF_TEXT, END_OF_TURN, PROMPT_TOKENS } from './prompt';

/** Llama 3's tokenizer.json has 9 MB. */
const MAX_BYTES = 1 << 26;

/** Comes back unchanged where every byte has a token and nothing is normalised away. */
const PROBE = `${String.fromCodePoint(...Array.from({ length: 0x300 }, (_, i) => i))} 汉字 😀 I'LL 1234`;

/** A checkpoint's own tokenizer, with the tokens that the prompt needs. */
export interface LlamaTokenizer {
  /** Without BOS. */
  encode(text: string): number[];
  /** One more than the highest id. */
  vocabularySize: number;
  beginId: number;
  /** Of what rows are padded with; masked, so that it changes no embedding. */
  padId: number;
}

/** Where a tokenizer lies. */
export interface TokenizerFiles {
  /** Of tokenizer.json. */
  path: string;
  /** Of tokenizer_config.json, which need not be there. */
  configPath?: string | undefined;
}

export function tokenizerFiles(folder: string): TokenizerFiles {
  return {
    path: join(folder, 'tokenizer.json'),
    configPath: join(folder, 'tokenizer_config.json'),
  };
}

/**
 * Reads `tokenizer.json` and, where there is one, `tokenizer_config.json`. Synchronous and slow
 * (Llama 3 has 280,000 merges): it runs in the tokenizer's worker.
 *
 * @throws {LLM2CLIPError} ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_FORMAT for what is no tokenizer,
 *   ERR_CHECKPOINT_UNSUPPORTED for another one than Llama 3's kind
 */
export function openTokenizer({ path, configPath }: TokenizerFiles): LlamaTokenizer {
  const json = readObject(path);
  const config = configPath === undefined ? {} : readConfig(configPath);
  checkModel(json, path);
  const tokenizer = construct(json, path);
  const idOf = (token: string) => {
    const id = tokenizer.token_to_id(token);
    if (id !== undefined) return id;
    throw unsupported(path, `has no token ${quote(token)}, which the prompt of LLM2CLIP needs`);
  };
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  for (const token of PROMPT_TOKENS) {
    const whole = encode(token).join() === String(idOf(token));
    if (!whole) throw unsupported(path, `reads ${quote(token)} as text, not as one token`);
  }
  checkProbe(tokenizer, encode, path);
  return {
    encode,
    vocabularySize: 1 + highestId(tokenizer),
    beginId: idOf(BEGIN_OF_TEXT),
    padId: idOf(contentOf(config.eos_token) ?? END_OF_TURN),
  };
}

function readObject(path: string): Record<string, unknown> {
  const bytes = withFile(path, (source) => {
    if (source.size > MAX_BYTES) throw malformed(path, `has ${source.size} bytes`);
    return source.read(0, source.size);
  });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed(path, 'is not JSON', cause);
  }
  if (isObject(json) && !Array.isArray(json)) return json;
  throw malformed(path, 'is not a JSON object');
}

function readConfig(path: string): Record<string, unknown> {
  try {
    return readObject(path);
  } catch (error) {
    if (error instanceof LLM2CLIPError && error.code === 'ERR_NOT_FOUND') return {};
    throw error;
  }
}

/** The library takes whatever it is given: a missing part would show as wrong tokens. */
function checkModel(json: Record<string, unknown>, path: string): void {
  const { model, added_tokens: added, pre_tokenizer: split } = json;
  if (!isObject(model)) throw malformed(path, 'has no "model"');
  if (model.type !== undefined && model.type !== 'BPE') {
    throw unsupported(path, `has a model of type ${quote(String(model.type))}, expected "BPE"`);
  }
  const { vocab, merges } = model;
  const isId = (id: unknown) => Number.isInteger(id) && Number(id) >= 0 && Number(id) < 1 << 24;
  if (!isObject(vocab) || !Object.values(vocab).every(isId)) {
    throw malformed(path, 'has no "vocab" of ids');
  }
  if (!Array.isArray(merges) || !merges.every(isMerge)) throw malformed(path, 'has no "merges"');
  if (!isObject(split)) throw malformed(path, 'has no "pre_tokenizer"');
  const isToken = (token: unknown) =>
    isObject(token) && isId(token.id) && typeof token.content === 'string' && token.content !== '';
  if (!Array.isArray(added) || !added.every(isToken)) {
    throw malformed(path, 'has no "added_tokens" of ids and contents');
  }
}

/** "a b", or as newer files have it, ["a", "b"]. */
function isMerge(merge: unknown): boolean {
  const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
  return Array.isArray(pair) && pair.length === 2 && pair.every((x) => typeof x === 'string');
}

/** Of the configuration nothing is given on: the reference's tokenizer follows tokenizer.json alone. */
function construct(json: object, path: string): Tokenizer {
  try {
    return new Tokenizer(json, {});
  } catch (cause) {
    throw malformed(path, 'cannot be read', cause);
  }
}

function checkProbe(tokenizer: Tokenizer, encode: (text: string) => number[], path: string): void {
  const problem = 'does not give back the text it is given; expected byte-level BPE';
  let back: string | undefined;
  try {
    const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
    back = tokenizer.decode(encode(PROBE), options);
  } catch (cause) {
    throw unsupported(path, problem, cause);
  }
  if (back !== PROBE) throw unsupported(path, problem);
}

function highestId(tokenizer: Tokenizer): number {
  let highest = 0;
  for (const id of tokenizer.get_vocab().values()) highest = Math.max(highest, id);
  return highest;
}

/** A token is stated as its content or as an object that has it. */
function contentOf(token: unknown): string | undefined {
  const content = isObject(token) ? token.content : token;
  return typeof content === 'string' ? content : undefined;
}

function malformed(path: string, problem: string, cause?: unknown): LLM2CLIPError {
  const message = `${path} is not a valid tokenizer: it ${problem}; download it again`;
  return new LLM2CLIPError('ERR_CHECKPOINT_FORMAT', message, { cause });
}

function unsupported(path: string, problem: string, cause?: unknown): LLM2CLIPError {
  const message = `${path} is not the tokenizer of a Llama 3: it ${problem}`;
  return new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', message, { cause });
}
