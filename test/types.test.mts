// Tests the package's types in a program that has nothing else: no @types/node and only the default
// library. To use another compiler than the installed one: LLM2CLIP_TYPESCRIPT=path/to/typescript
// npm test -- types
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = join(import.meta.dirname, '..');
const { LLM2CLIP_TYPESCRIPT = join(ROOT, 'node_modules/typescript') } = process.env;

const PROGRAM = `
import {
  convert, heatMap, importEngine, LLM2CLIP, LLM2CLIPError, recall, similarity, TextTokenizer, VectorIndex,
} from 'llm2clip';
import type { Embeddings, ModelStats, Patches } from 'llm2clip';

export async function use(paths: string[], signal: AbortSignal): Promise<number> {
  await convert('x.pt', { out: 'x.bundle', signal });
  const model = await LLM2CLIP.load('x.bundle', { parts: ['vision'] });
  const one: Float32Array = await model.encodeImage('a.jpg', { timeoutMs: 5 });
  const many: Embeddings = await model.encodeImages(paths, { onError: 'collect' });
  for await (const { index, embedding } of model.embedStream(paths)) void [index, embedding?.length];
  const patches: Patches = await model.encodeImage('a.jpg', { output: 'patches' });
  const png: Uint8Array = await heatMap(patches, one);
  const index = VectorIndex.create({ dim: model.info.embeddingDim });
  await index.add(many, paths);
  const { scores } = await index.search(one);
  const stats: ModelStats = model.stats();
  await model[Symbol.asyncDispose]();
  void [png, stats, importEngine, recall, similarity, TextTokenizer];
  if (scores[0] === 0) throw new LLM2CLIPError('ERR_IO', 'nothing');
  return scores.length;
}
`;

test('a program compiles with { module: nodenext, strict } and nothing else', () => {
  const app = temporaryFolder();
  mkdirSync(join(app, 'node_modules'));
  symlinkSync(ROOT, join(app, 'node_modules/llm2clip'));
  writeFileSync(join(app, 'imports.mts'), PROGRAM);
  writeFileSync(join(app, 'requires.cts'), PROGRAM);
  const compilerOptions = { module: 'nodenext', strict: true, noEmit: true };
  const files = ['imports.mts', 'requires.cts'];
  // Without this option the compiler would follow the link to this project's @types/node, which an
  // installed package does not have.
  const options = { ...compilerOptions, preserveSymlinks: true };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  const tsc = join(LLM2CLIP_TYPESCRIPT, 'bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', app], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});
