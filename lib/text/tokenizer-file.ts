import { Tokenizer } from '@huggingface/tokenizers';
import { isObject } from '../arguments';
import { isTooDeep } from '../files/json-depth';
import { quote } from '../quote';
import { END_OF_TURN, PROMPT_TOKENS } from './prompt';
import {
  malformedTokenizer as malformed,
  type TokenizerContent,
  unsupportedTokenizer as unsupported,
} from './tokenizer-content';

/** Text that must survive a round trip, which shows byte-level BPE without normalisation. */
const PROBE = `${String.fromCodePoint(...Array.from({ length: 0x300 }, (_, i) => i))} 汉字 😀 I'LL 1234`;

/** Largest number of tokens that a post-processor may add to a sequence. */
const MOST_ADDED = 16;

/** Tokens that the post-processor puts around those of a sequence. */
export interface Frame {
  before: number[];
  after: number[];
}

/** A checkpoint's own tokenizer, which has the tokens that the prompt needs. */
export interface LlamaTokenizer {
  /** Returns the ids of a text without those that the post-processor adds. */
  encode(text: string): number[];
  /** BOS in the published tokenizers. */
  frame: Frame;
  /** One more than the highest id. */
  vocabularySize: number;
  /** Id that pads rows. It is masked, so that it changes no embedding. */
  padId: number;
}

/**
 * Reads `tokenizer.json` and, if there is one, `tokenizer_config.json`. It is synchronous and slow
 * (Llama 3 has 280,000 merges), and a hostile file can make it run for ever. It therefore runs in
 * the tokenizer's worker, which is terminated after a time-out.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT if the file is not a tokenizer,
 *   ERR_CHECKPOINT_UNSUPPORTED if it is not of Llama 3's kind
 */
export function openTokenizer({ path, bytes, config }: TokenizerContent): LlamaTokenizer {
  const json = parseObject(path, bytes);
  const { eos_token: eos } = config === undefined ? {} : parseObject(config.path, config.bytes);
  checkModel(json, path);
  const tokenizer = construct(json, path);
  const idOf = (token: string) => {
    const id = tokenizer.token_to_id(token);
    if (id !== undefined) return id;
    throw unsupported(path, `has no token ${quote(token)}, which the prompt of LLM2CLIP needs`);
  };
  const encode = encoderOf(tokenizer, path, false);
  for (const token of PROMPT_TOKENS) {
    const whole = encode(token).join() === String(idOf(token));
    if (!whole) throw unsupported(path, `reads ${quote(token)} as text, not as one token`);
  }
  checkProbe(tokenizer, encode, path);
  const vocabularySize = 1 + highestId(tokenizer);
  const frame = frameOf(encode('a'), encoderOf(tokenizer, path, true)('a'), path);
  requireIds([...frame.before, ...frame.after], vocabularySize, path);
  return { encode, frame, vocabularySize, padId: idOf(contentOf(eos) ?? END_OF_TURN) };
}

/**
 * Makes an encoder. The library may throw any error for a file's patterns and normalizers, and
 * returns undefined as the id of a token that is not in the vocabulary.
 */
function encoderOf(tokenizer: Tokenizer, path: string, add_special_tokens: boolean) {
  return (text: string): number[] => {
    let ids: (number | undefined)[];
    try {
      ids = tokenizer.encode(text, { add_special_tokens }).ids;
    } catch (cause) {
      throw unsupported(path, 'cannot tokenise a text', cause);
    }
    if (ids.includes(undefined)) throw unsupported(path, 'has no token for a part of a text');
    return ids as number[];
  };
}

/**
 * Finds the tokens that the post-processor adds; known ones add the same tokens to every sequence.
 */
function frameOf(inner: number[], whole: number[], path: string): Frame {
  for (let at = 0; at + inner.length <= whole.length; at++) {
    if (whole.slice(at, at + inner.length).join() !== inner.join()) continue;
    return { before: whole.slice(0, at), after: whole.slice(at + inner.length) };
  }
  throw unsupported(path, 'changes the tokens of a text in its post-processor');
}

function requireIds(ids: readonly number[], vocabularySize: number, path: string): void {
  const isId = (id: number) => Number.isInteger(id) && id >= 0 && id < vocabularySize;
  if (ids.length > MOST_ADDED) throw unsupported(path, `adds ${ids.length} tokens to each text`);
  if (!ids.every(isId)) throw unsupported(path, 'adds a token that it does not have');
}

function parseObject(path: string, bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    // Copy the bytes, because not every TextDecoder accepts shared memory.
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes)));
  } catch (cause) {
    throw malformed(path, 'is not JSON', cause);
  }
  if (!isObject(json) || Array.isArray(json)) throw malformed(path, 'is not a JSON object');
  if (isTooDeep(json)) throw malformed(path, 'is nested too deep');
  return json;
}

/**
 * Checks the parts of the model. The library does not, and a missing part would give wrong tokens.
 */
function checkModel(json: Record<string, unknown>, path: string): void {
  const { model, added_tokens: added, pre_tokenizer: split } = json;
  if (!isObject(model)) throw malformed(path, 'has no "model"');
  if (model.type !== undefined && model.type !== 'BPE') {
    const type = typeof model.type === 'string' ? model.type : 'another kind';
    throw unsupported(path, `has a model of type ${quote(type)}, expected "BPE"`);
  }
  const { vocab, merges } = model;
  const isId = (id: unknown) => Number.isInteger(id) && Number(id) >= 0 && Number(id) < 1 << 24;
  if (!isObject(vocab) || !Object.values(vocab).every(isId)) {
    throw malformed(path, 'has no "vocab" of ids');
  }
  if (!Array.isArray(merges) || !merges.every(isMerge)) throw malformed(path, 'has no "merges"');
  const absent = absentToken(vocab, merges, model.continuing_subword_prefix);
  if (absent !== undefined) {
    throw malformed(path, `merges to ${quote(absent)}, which is not in its "vocab"`);
  }
  if (!isObject(split)) throw malformed(path, 'has no "pre_tokenizer"');
  const isToken = (token: unknown) =>
    isObject(token) && isId(token.id) && typeof token.content === 'string' && token.content !== '';
  if (!Array.isArray(added) || !added.every(isToken)) {
    throw malformed(path, 'has no "added_tokens" of ids and contents');
  }
  for (const step of [json.normalizer, split, json.decoder]) checkPatterns(step, path);
}

/** Refuses unknown patterns. The library would only print a message and skip the step. */
function checkPatterns(step: unknown, path: string): void {
  if (!isObject(step)) return;
  const { type, pattern } = step;
  if ((type === 'Split' || type === 'Replace') && !isPattern(pattern)) {
    throw unsupported(path, `has a ${type} whose pattern is neither a "Regex" nor a "String"`);
  }
  for (const inner of Object.values(step)) checkPatterns(inner, path);
}

function isPattern(pattern: unknown): boolean {
  if (!isObject(pattern)) return false;
  return [pattern.Regex, pattern.String].filter((text) => typeof text === 'string').length === 1;
}

/** Accepts "a b" and the newer form ["a", "b"]. */
function isMerge(merge: unknown): boolean {
  const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
  return Array.isArray(pair) && pair.length === 2 && pair.every((x) => typeof x === 'string');
}

/**
 * Returns a token that a merge makes and that the vocabulary lacks, if there is one. The reference
 * refuses such a file; the library would give the token no id.
 */
function absentToken(
  vocab: Record<string, unknown>,
  merges: readonly (string | [string, string])[],
  prefix: unknown,
): string | undefined {
  const prefixLength = typeof prefix === 'string' ? prefix.length : 0;
  for (const merge of merges) {
    const [left, right] =
      typeof merge === 'string' ? (merge.split(' ') as [string, string]) : merge;
    const merged = left + right.slice(prefixLength);
    if (!Object.hasOwn(vocab, merged)) return merged;
  }
  return undefined;
}

/**
 * Makes a tokenizer without tokenizer_config.json, because the reference follows tokenizer.json
 * alone.
 */
function construct(json: object, path: string): Tokenizer {
  try {
    return new Tokenizer(json, {});
  } catch (cause) {
    throw malformed(path, 'cannot be read', cause);
  }
}

function checkProbe(tokenizer: Tokenizer, encode: (text: string) => number[], path: string): void {
  const problem = 'does not decode tokens to the original text; expected byte-level BPE';
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

/** Returns the content of a token, which is a string or an object with a `content`. */
function contentOf(token: unknown): string | undefined {
  const content = isObject(token) ? token.content : token;
  return typeof content === 'string' ? content : undefined;
}
