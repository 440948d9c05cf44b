// Tests text files: their encodings, and paths that lead to something else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readClassnames, readLabels } from '#lib/cli/label-file';
import { readTexts } from '#lib/cli/text-file';
import { readAnnotations } from '#lib/eval/annotations';
import { readText, textPieces } from '#lib/files/read-text';
import { readImage } from '#lib/image/read';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
let made = 0;
async function fileOf(content: string | Uint8Array, name = 'a.txt'): Promise<string> {
  const path = join(folder, String(made++));
  await mkdir(path);
  await writeFile(join(path, name), content);
  return join(path, name);
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const bigEndian = (text: string) => utf16(text).swap16();
const utf32 = (text: string) =>
  Buffer.concat(
    [...text].map((character) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(character.codePointAt(0) ?? 0);
      return bytes;
    }),
  );

const refused = (pattern: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, 'ERR_INVALID_ARG', error.message);
  assert.match(error.message, pattern);
  return true;
};

describe('texts', () => {
  const text = 'un café\nein Mädchen 😀\n猫と犬\n';
  const read: [string, Uint8Array][] = [
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16LE with a mark', utf16(`\ufeff${text}`)],
    ['UTF-16BE with a mark', bigEndian(`\ufeff${text}`)],
  ];
  for (const [name, bytes] of read) {
    test(`${name} is read, without its mark`, async () => {
      assert.equal(await readText(await fileOf(bytes)), text);
      assert.deepEqual(await readTexts(await fileOf(bytes)), text.trimEnd().split('\n'));
    });
  }

  test('with any line endings, and with rare control characters', async () => {
    for (const [content, texts] of [
      ['one\rtwo\r', ['one', 'two']],
      ['one\r\ntwo\n\r\n', ['one', 'two', '']],
      ['a photo of a cat\x02', ['a photo of a cat\x02']],
      ['\n', ['']],
      ['\r\n', ['']],
    ] as const) {
      assert.deepEqual(await readTexts(await fileOf(Buffer.from(content))), texts);
    }
  });

  test('longer than a piece, with characters across the boundary', async () => {
    const long = `a${'😀é'.repeat(400_000)}`;
    for (const bytes of [Buffer.from(long), utf16(`\ufeff${long}`), bigEndian(`\ufeff${long}`)]) {
      const path = await fileOf(bytes);
      let pieces = 0;
      for await (const piece of textPieces(path)) pieces += piece === '' ? 0 : 1;
      assert.ok(pieces > 1);
      assert.equal((await readText(path)) === long, true);
    }
  });

  const latin = (words: string) => Buffer.from(words, 'latin1');
  const wrong: [string, Uint8Array, RegExp][] = [
    [
      'UTF-16LE',
      utf16('a cat\na dog\n'),
      /found UTF-16LE without a byte order mark; .*iconv -f UTF-16LE -t UTF-8/,
    ],
    ['UTF-16BE', bigEndian('a cat\na dog\n'), /found UTF-16BE without a byte order mark/],
    ['UTF-16LE, Chinese with line breaks', utf16('猫在沙发上\n两只狗\n'), /found UTF-16LE without/],
    ...['привет', 'مرحبا', 'שלום'].flatMap((word): [string, Uint8Array, RegExp][] => [
      [`UTF-16LE, ${word} alone`, utf16(word), /found UTF-16LE without/],
      [`UTF-16BE, ${word} alone`, bigEndian(word), /found UTF-16BE without/],
    ]),
    ['UTF-32LE with a mark', utf32('\ufeffa cat'), /found UTF-32LE; .*iconv -f UTF-32LE/],
    ['UTF-32LE', utf32('a cat'), /found UTF-32LE without/],
    ['UTF-32BE', utf32('a cat').swap32(), /found UTF-32BE without/],
    [
      'Latin-1',
      latin('un café\nein Mädchen\n'),
      /such as Latin-1 \(ISO 8859-1\); .*iconv -f ISO-8859-1/,
    ],
    [
      'Windows-1252',
      Buffer.from('61 93 63 61 74 94 20 63 61 66 e9'.replaceAll(' ', ''), 'hex'),
      /such as Windows-1252/,
    ],
    ['GBK', Buffer.from('c3a8d4dac9b3b7a2c9cf0a', 'hex'), /another encoding, such as GB18030/],
    ['Shift_JIS', Buffer.from('944c82c68ca20a', 'hex'), /iconv -f .* -t UTF-8/],
    ['Windows-1251', Buffer.from('eaeef8eae00a', 'hex'), /another encoding, .*Windows-1251/],
    ['ISO-2022-JP', Buffer.from('\x1b$B4-\x1b(B\n'), /found ISO-2022-JP/],
    ['half a character at the end', Buffer.from([0x61, 0xc3]), /iconv/],
    ['a surrogate in UTF-8', Buffer.from([0x61, 0xed, 0xa0, 0x80]), /iconv/],
    [
      'UTF-16LE with an odd byte',
      Buffer.concat([utf16('\ufeffa'), Buffer.of(7)]),
      /damaged UTF-16LE/,
    ],
    ['UTF-16LE with half a pair', utf16('\ufeffa\ud83d'), /damaged UTF-16LE/],
    [
      'an image',
      Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
      /found bytes that are no text|UTF-/,
    ],
  ];
  for (const [name, bytes, pattern] of wrong) {
    test(`${name} is refused by its name, and how to convert it`, async () => {
      await assert.rejects(readText(await fileOf(bytes)), refused(pattern));
      await assert.rejects(readTexts(await fileOf(bytes)), refused(/expected text in UTF-8/));
    });
  }

  test('in annotations, labels and class names', async () => {
    const json = '[{"image": "1.jpg", "caption": "café"}]';
    const bytes = latin(json);
    for (const name of ['a.json', 'a.jsonl']) {
      const path = await fileOf(bytes, name);
      await assert.rejects(readAnnotations(path), refused(/Latin-1/));
    }
    const marked = await fileOf(utf16(`\ufeff${json}`), 'a.json');
    assert.deepEqual(await readAnnotations(marked), [{ image: '1.jpg', captions: ['café'] }]);
    const lines = await fileOf(bigEndian(`\ufeff${json.slice(1, -1)}\n`), 'a.jsonl');
    assert.deepEqual(await readAnnotations(lines), [{ image: '1.jpg', captions: ['café'] }]);
    await assert.rejects(readLabels(await fileOf(latin('café\n'))), refused(/Latin-1/));
    await assert.rejects(readClassnames(await fileOf(latin('{"a": "café"}'))), refused(/Latin-1/));
    assert.deepEqual(await readClassnames(await fileOf(utf16('\ufeff{"a": "café"}'))), {
      a: 'café',
    });
  });
});

describe('paths that lead to no file are refused at once', () => {
  const pipe = join(folder, 'pipe.jsonl');
  const socket = join(folder, 'socket');
  const cases: [string, string, RegExp][] = [
    ['a named pipe', pipe, /found a named pipe/],
    ['a link to a named pipe', join(folder, 'link'), /found a named pipe/],
    ['a device', '/dev/zero', /found a device/],
    ['a folder', folder, /found a folder/],
    ['a socket', socket, /found a socket/],
  ];
  test('of each kind', async () => {
    execFileSync('mkfifo', [pipe]);
    await symlink(pipe, join(folder, 'link'));
    const server = createServer().listen(socket);
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      for (const [what, path, pattern] of cases) {
        for (const read of [
          readText,
          readTexts,
          readLabels,
          readClassnames,
          readAnnotations,
          readImage,
        ]) {
          await assert.rejects(read(path), (error: Error & { code?: string }) => {
            assert.equal(error.code, 'ERR_IO', what);
            assert.match(error.message, pattern);
            return true;
          });
        }
      }
    } finally {
      server.close();
    }
  });
});
