// Llama 3's own tokenizer.json in the published layout, from the vocabulary and merges in
// llama3-tokenizer-js, and a similar tokenizer for tiny models.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import llama3 from 'llama3-tokenizer-js';

const FIRST_SPECIAL = 128_000;
const BEGIN = '<|begin_of_text|>';
const END = '<|eot_id|>';
const TINY_SPECIALS = [BEGIN, '<|start_header_id|>', '<|end_header_id|>', END];
const PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });

const postProcessor = (begin: number) => ({
  type: 'Sequence',
  processors: [
    { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    {
      type: 'TemplateProcessing',
      single: [special(BEGIN), sequence('A', 0)],
      pair: [special(BEGIN), sequence('A', 0), special(BEGIN), sequence('B', 1)],
      special_tokens: { [BEGIN]: { id: BEGIN, ids: [begin], tokens: [BEGIN] } },
    },
  ],
});

const PRE_TOKENIZER = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: PATTERN }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
};

/**
 * Returns the content of `tokenizer.json` for ordinary tokens by id, merges in order and special
 * tokens.
 */
function tokenizerJson(tokens: string[], merges: string[], specials: string[]): object {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, i) => ({
      ...{ id: tokens.length + i, content },
      ...flags,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: PRE_TOKENIZER,
    post_processor: postProcessor(tokens.length),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      ...{ dropout: null, unk_token: null, continuing_subword_prefix: null },
      ...{ end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: true },
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** Writes Llama 3's `tokenizer.json` and `tokenizer_config.json`. */
export function writeLlamaTokenizer(folder: string): void {
  const tokens = llama3.vocabById.slice(0, FIRST_SPECIAL);
  const specials = llama3.vocabById.slice(FIRST_SPECIAL);
  write(folder, tokenizerJson(tokens, [...llama3.merges.keys()], specials));
}

/**
 * Writes the same files with a token for each byte, a token for each of these words after a space,
 * and few special tokens.
 */
export function writeTinyTokenizer(folder: string, words: readonly string[]): void {
  // Llama 3's first 256 tokens are the bytes.
  const tokens = llama3.vocabById.slice(0, 256);
  const merges: string[] = [];
  for (const word of words) {
    let token = '\u0120'; // a space
    for (const letter of word) {
      const merged = token + letter;
      if (!tokens.includes(merged)) {
        tokens.push(merged);
        merges.push(`${token} ${letter}`);
      }
      token = merged;
    }
  }
  write(folder, tokenizerJson(tokens, merges, TINY_SPECIALS));
}

function write(folder: string, json: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
  const config = {
    ...{ bos_token: BEGIN, eos_token: END, model_max_length: 131_072 },
    ...{ clean_up_tokenization_spaces: true, tokenizer_class: 'PreTrainedTokenizerFast' },
  };
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config, null, 2));
}
