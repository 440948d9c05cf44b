// Texts to tokenise, the same on every machine: words, scripts, emoji, whitespace, control
// characters, long texts.
import { Random } from '../../test/fuzz/random.mts';

const WORDS =
  'a an the photo of cat dogs playing in snow, red bicycle against wall. An astronaut riding horse; ' +
  "it's we'll I'M THEY'RE can't don'T naïve café Über straße 42 1,234,567 3.14159 2024-05-01 $9.99 " +
  'user@example.com https://a.b/c?d=e#f C++ foo_bar camelCase (parentheses) [brackets] "quoted" — – …';
const SCRIPTS = [
  '一只猫坐在窗台上看着外面的雪景',
  '東京タワーの夜景とネコ、ひらがな',
  '고양이가 창가에 앉아 있다',
  'Кошка сидит на подоконнике и смотрит',
  'قطة تجلس على حافة النافذة',
  'बिल्ली खिड़की पर बैठी है',
  'แมวนั่งอยู่บนขอบหน้าต่าง',
  'Η γάτα κάθεται στο παράθυρο',
  'חתול יושב על אדן החלון',
];
const EMOJI = ['😀', '👨‍👩‍👧‍👦', '🇫🇷', '👍🏽', '❤️', '🏳️‍🌈', '☕', '🤖', '1️⃣'];
const SPACES = [' ', '  ', '   ', '\t', '\n', '\r\n', '\n\n', ' \n ', '\u00a0', '\u3000', '\u2003'];
/** JavaScript and Python disagree on which of these are whitespace. */
const ODD_SPACES = ['\ufeff', '\u0085', '\u001c', '\u001f', '\u180e', '\u200b', '\u2028'];
const CONTROLS = ['\0', '\x01', '\x07', '\x1b[31m', '\x7f', '\u202e', '\ufffd', '\u{10ffff}'];
const SPECIALS = ['<|eot_id|>', '<|begin_of_text|>', '<|nothing|>', '<|', '|>', '!@#$%^&*()'];

type Maker = (random: Random) => string;

const many = (random: Random, most: number, one: Maker): string =>
  Array.from({ length: 1 + random.below(most) }, () => one(random)).join('');
const words: Maker = (random) =>
  Array.from({ length: 1 + random.below(20) }, () => random.pick(WORDS.split(' '))).join(' ');
const script: Maker = (random) => {
  const text = random.pick(SCRIPTS);
  const from = random.below(text.length);
  return text.slice(from, from + 1 + random.below(text.length));
};
const codePoint: Maker = (random) => {
  const code = random.below(random.pick([0x80, 0x800, 0x3000, 0xd800, 0x1f000]));
  return String.fromCodePoint(code >= 0xd800 && code < 0xe000 ? code - 0x800 : code);
};
const spaces: Maker = (random) => random.pick(SPACES).repeat(1 + random.below(6));
const piece: Maker = (random) =>
  random.pick([words, script, spaces, codePoint, (r) => r.pick(EMOJI), (r) => r.pick(CONTROLS)])(
    random,
  );

/** Each kind of text, and its frequency. */
const KINDS: readonly [number, Maker][] = [
  [30, words],
  [20, (random) => many(random, 8, piece)],
  [10, (random) => many(random, 30, codePoint)],
  [10, (random) => many(random, 4, script)],
  [10, (random) => spaces(random) + words(random) + spaces(random)],
  [5, (random) => many(random, 10, (r) => r.pick(EMOJI))],
  [5, (random) => many(random, 6, (r) => r.pick(ODD_SPACES) + r.pick(['', 'a', ' ', '\n']))],
  [5, (random) => many(random, 5, (r) => r.pick(SPECIALS) + r.pick(['', ' ', 'text']))],
  [
    3,
    (random) =>
      random.pick(['a', 'ab', ' ', '\n', '!', '7', '好', '😀']).repeat(random.below(1500)),
  ],
  [2, (random) => many(random, 60, words)],
];
const FIRST = [
  '',
  ' ',
  '\n',
  '\n\n',
  ' leading',
  'trailing \n\t ',
  "'ſ ſtraße 'S",
  '\ufeffBOM',
  '\u0085',
];

/** Returns `count` texts for a seed. None contains a lone surrogate, which no file could store. */
export function textSamples(count: number, seed: number): string[] {
  const random = new Random(seed);
  const kinds = KINDS.flatMap(([share, maker]) => Array.from({ length: share }, () => maker));
  return Array.from({ length: count }, (_, i) => FIRST[i] ?? random.pick(kinds)(random));
}
