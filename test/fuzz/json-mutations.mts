import { EDGES, mutateBytes } from './byte-mutations.mts';
import type { Random } from './random.mts';
import { changed } from './target.mts';

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null|[{}[\],:]/g;
const PUNCTUATION = /^[{}[\],:]$/;
const STRINGS = ['""', '"F8_E4M3"', '"F64"', '"BOOL"', '"\\ud800"', '"\\u0000"', '"blocks."'];
const KEYS = [...STRINGS, '"__metadata__"', '"__proto__"', '"constructor"', '"visual."'];
const VALUES = [
  ...[...STRINGS, 'null', 'true', 'false', '-0', '0.5', '1e999', '-1', '{}', '[]', '[1,1]', '[0]'],
  ...['[[[[[[[[[[]]]]]]]]]]', '{"a":{"a":{}}}'],
];
const BREAKING = ['', '{', '}', '[', ']', ',', ':', '"', '-', '.9999.', '[[[[[[[['];

type Token = RegExpExecArray;

/** Replaces a key or a value, and sometimes makes invalid JSON. */
export function mutateJson(json: string, random: Random): string {
  const tokens = [...json.matchAll(TOKEN)];
  if (tokens.length === 0) return json;
  return random.below(8) === 0 ? broken(json, tokens, random) : replaced(json, tokens, random);
}

/** Returns a seed after one to four changes, of which one in eight makes arbitrary JSON. */
export function changedJson(seeds: readonly Buffer[], random: Random): Buffer {
  const seed = random.pick(seeds);
  if (random.below(8) === 0) return changed(seed, random, (bytes) => mutateBytes(bytes, random));
  return Buffer.from(changed(seed.toString(), random, (text) => mutateJson(text, random)));
}

function replaced(json: string, tokens: Token[], random: Random): string {
  const words = tokens.filter(([text]) => !PUNCTUATION.test(text));
  if (words.length === 0) return json;
  const word = random.pick(words);
  const isKey = /^\s*:/.test(
    json.slice(word.index + word[0].length, word.index + word[0].length + 2),
  );
  const others = words.map(([text]) => text).filter((text) => !isKey || text.startsWith('"'));
  // After earlier changes, a key may be a number and the only word.
  const other = others.length > 0 ? random.pick(others) : word[0];
  const choices = isKey
    ? [other, random.pick(KEYS)]
    : [other, random.pick(VALUES), String(random.pick(EDGES)), twice(word[0], random)];
  return spliced(json, word, random.pick(choices));
}

/** Puts a value into an array, once or twice. */
function twice(value: string, random: Random): string {
  return random.below(2) === 0 ? `[${value}]` : `[${value},${value}]`;
}

function broken(json: string, tokens: Token[], random: Random): string {
  const token = random.pick(tokens);
  const other = random.pick(tokens)[0];
  return spliced(
    json,
    token,
    random.pick([
      random.pick(BREAKING),
      other,
      token[0] + token[0],
      `${token[0]},${other}:${other}`,
    ]),
  );
}

function spliced(json: string, { 0: old, index }: Token, text: string): string {
  return json.slice(0, index) + text + json.slice(index + old.length);
}
