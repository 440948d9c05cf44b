// Tests that control characters in file names and in other programs' output never reach a terminal.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';
import { shownJson, shownMessage, shownName, shownText } from '#lib/cli/terminal-text';
import { llm2clip, run } from './support/cli.mts';
import { temporaryFolder } from './support/temporary.mts';

/**
 * All characters that move the cursor, set a colour or change the direction of text, except line
 * breaks.
 */
const UNWANTED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const folder = temporaryFolder();
const BELL = '\x1b]0;title\x07';

function assertShown(text: string): void {
  for (const line of text.split('\n')) assert.doesNotMatch(line, UNWANTED);
}

test('each control character is escaped', () => {
  assert.equal(
    shownName('a\x1b[2Jb\x07\r\n\t\x7f\x9b.png'),
    'a\\x1b[2Jb\\x07\\x0d\\x0a\\x09\\x7f\\x9b.png',
  );
  assert.equal(shownName('gpj.\u202eexe'), 'gpj.\\u202eexe');
  assert.equal(shownName('caf\udce9'), 'caf\\xe9');
  assert.equal(shownName('日本 é 😀 \\n'), '日本 é 😀 \\n');
  for (let code = 0; code < 0x3000; code++) {
    assert.doesNotMatch(shownName(String.fromCharCode(code)), UNWANTED);
  }
});

test('only indented lines of a message stay lines; a name cannot start one', () => {
  assert.equal(
    shownMessage('pip failed\n  pip: \x1b[31mno\n  pip: disk'),
    'pip failed\n  pip: \\x1b[31mno\n  pip: disk',
  );
  assert.equal(shownMessage('cannot read a\nllm2clip: done'), 'cannot read a\\x0allm2clip: done');
  assert.equal(shownText('a\tb\n\x1bc'), 'a\tb\n\\x1bc');
});

test('JSON stays the same value', () => {
  const value = { image: `${BELL}\x7f\x9b\u202e\u2028é` };
  assertShown(shownJson(value));
  assert.deepEqual(JSON.parse(shownJson(value)), value);
});

describe('llm2clip', () => {
  const name = `a${BELL}\n\x9b2J\u202e.png`;
  const images = join(folder, 'pictures');
  mkdirSync(images);
  writeFileSync(join(images, name), 'no image');

  test('names of files, in text and in JSON', async () => {
    const path = join(images, name);
    for (const words of [
      ['encode', path, images],
      ['inspect', path],
      ['index', images, '--bundle', path, '--out', join(folder, path)],
      ['search', path, 'a cat'],
      ['encode', 'bundle', '--device', path, images],
      ['convert', path, '--out', join(folder, 'x')],
      [path],
      ['encode', `--${BELL}`],
    ]) {
      const forms = [[], ['--json']].map((json) => llm2clip(...words, ...json));
      for (const { code, stdout, stderr } of await Promise.all(forms)) {
        assert.notEqual(code, 0);
        assert.notEqual(stderr, '');
        assertShown(stderr);
        assertShown(stdout);
      }
    }
  });

  test('the output of pip', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'python3'),
      `#!/bin/sh\nprintf 'no \\033]0;title\\007wheel\\n'\nexit 1\n`,
    );
    chmodSync(join(bin, 'python3'), 0o755);
    const env = { PATH: `${bin}${delimiter}${process.env.PATH}` };
    const target = ['--target', join(folder, 'libtorch')];
    const { code, stderr } = await run(['runtime', 'install', ...target], env);
    assert.equal(code, 1);
    assert.match(stderr, /\n {2}pip: no \\x1b\]0;title\\x07wheel/);
    assertShown(stderr);
  });
});
