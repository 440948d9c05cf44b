// Tests how every public function handles bad arguments: unknown options and values of wrong types.
// The functions and their options are read from the declarations.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeTinyTokenizer } from '../tools/synthetic/tokenizer.mts';
import {
  FAKE_DIM,
  fakePackage,
  fakePixels,
  fakeTextBundle,
  requireFake,
} from './support/fake-engine.mts';
import { publicFunctions } from './support/public-api.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const api = requireFake(fakePackage(join(folder, 'package')));
const functions = publicFunctions(temporaryFolder());

/** A public function: the object that it belongs to, and valid arguments before its options. */
interface Callee {
  of: object;
  before?: readonly unknown[];
}

const callees = new Map<string, Callee>();
const disposed: { dispose(): Promise<void> }[] = [];

before(async () => {
  const bundle = await fakeTextBundle(join(folder, 'texts'), 0);
  const tokenizerFolder = join(folder, 'tokenizer');
  writeTinyTokenizer(tokenizerFolder, ['a', 'photo']);
  const model = await api.LLM2CLIP.load(bundle);
  const tokenizer = await api.TextTokenizer.fromFolder(tokenizerFolder);
  const classifier = await model.classifier(['a', 'photo']);
  const index = api.VectorIndex.create({ dim: 2 });
  disposed.push(classifier, index, tokenizer, model);
  const pixels = fakePixels(1);
  const vector = new Float32Array(FAKE_DIM).fill(1 / FAKE_DIM);
  const matrix = { data: new Float32Array([1, 0, 0, 1]), shape: [2, 2] };
  const embeddings = await model.encodeImages([pixels]);
  const patches = { data: new Float32Array(4), shape: [1, 1, 4], imageSize: 8 };
  const { Classifier } = await import('#lib/classify/index');
  const { Patches } = await import('#lib/model/patches');
  const framing = { size: 8, resample: 'bicubic', mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const add = (
    of: object,
    names: Record<string, readonly unknown[] | undefined>,
    prefix: string,
  ) => {
    for (const [name, before] of Object.entries(names)) {
      callees.set(prefix + name, before === undefined ? { of } : { of, before });
    }
  };
  const none = undefined;
  add(
    api,
    {
      convert: ['nowhere.pt'],
      importEngine: ['nowhere.pt'],
      heatMap: [patches, new Float32Array(4)],
      recall: [matrix, matrix],
      similarity: [vector, vector],
      classEmbeddings: none,
      classProbabilities: none,
      fillTemplates: none,
    },
    '',
  );
  add(api.LLM2CLIP, { load: [bundle] }, 'LLM2CLIP.');
  add(
    model,
    {
      encodeImage: [pixels],
      encodeImages: [[pixels]],
      embedStream: [[pixels]],
      encodeText: ['a'],
      encodeTexts: [['a']],
      encodeTextFeatures: [vector],
      classify: [pixels, ['a', 'photo']],
      classifier: [['a', 'photo']],
      stats: none,
    },
    'LLM2CLIP#',
  );
  add(Classifier, { create: [model, ['a']] }, 'Classifier.');
  add(classifier, { classify: [pixels], rank: [vector] }, 'Classifier#');
  add(api.VectorIndex, { create: [], open: ['nowhere.index'] }, 'VectorIndex.');
  add(
    index,
    { add: none, remove: none, search: [new Float32Array(2)], save: none, sync: none },
    'VectorIndex#',
  );
  add(api.TextTokenizer, { fromFolder: none }, 'TextTokenizer.');
  add(tokenizer, { encode: ['a'], encodeMany: [['a']], batch: [['a']] }, 'TextTokenizer#');
  add(embeddings, { row: none }, 'Embeddings#');
  add(new Patches(new Float32Array(4), [1, 1, 4], framing), { at: none }, 'Patches#');
  const all = {
    LLM2CLIP: model,
    Classifier: classifier,
    VectorIndex: index,
    TextTokenizer: tokenizer,
  };
  for (const [name, of] of Object.entries(all)) add(of, { dispose: none }, `${name}#`);
});

after(async () => {
  for (const each of disposed) await each.dispose();
});

function call(name: string, ...args: unknown[]): unknown {
  const { of } = callees.get(name) as Callee;
  const method = name.split(/[.#]/).at(-1) as string;
  return (of as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args);
}

/** Returns the error that a call with these options throws or rejects with, or undefined. */
async function failureOf(name: string, options: unknown): Promise<unknown> {
  try {
    const result = call(name, ...(callees.get(name)?.before ?? []), options);
    await (isIterator(result) ? result.next() : result);
    return undefined;
  } catch (error) {
    return error;
  }
}

function isIterator(value: unknown): value is AsyncIterator<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function assertArgumentError(error: unknown): asserts error is Error {
  assert.ok(error instanceof TypeError || error instanceof RangeError, `${error}`);
  const { code } = error as { code?: string };
  assert.match(`${code}`, /^ERR_INVALID_(ARG|BUFFER)$/);
}

/** Returns { batching: { threads } } for 'options.batching' and { threads }. */
function nested(path: string, inner: object): object {
  const [, ...names] = path.split('.');
  return names.reduceRight<object>((value, name) => ({ [name]: value }), inner);
}

test('the table above holds every public function, and no other', () => {
  assert.deepEqual([...callees.keys()].sort(), functions.map(({ name }) => name).sort());
});

describe('unknown options', () => {
  for (const { name, options } of functions) {
    for (const [path, known] of options) {
      test(`${name}, ${path}: ${[...known].join(', ')}`, async () => {
        assert.ok(known.size > 0);
        for (const key of known) {
          const wrong = `${key}z`;
          const error = await failureOf(name, nested(path, { [wrong]: 1 }));
          assertArgumentError(error);
          assert.ok(error instanceof TypeError);
          const place = path === 'options' ? '' : ` in ${path}`;
          const expected = `expected a known option${place}, found '${wrong}'; did you mean '${key}'?`;
          assert.equal(error.message, expected);
        }
        const far = await failureOf(name, nested(path, { 'no such thing': 1 }));
        assert.match(String(far), /expected a known option.* \(.*\), found 'no such thing'$/);
      });

      test(`${name}, ${path}: symbols, inherited keys and undefined values are fine`, async () => {
        const fine = Object.assign(Object.create({ treads: 1 }), { [Symbol('treads')]: 1 });
        for (const key of known) fine[key] = undefined;
        assert.doesNotMatch(String(await failureOf(name, nested(path, fine))), /known option/);
      });

      test(`${name}, ${path}: a value that is not an object`, async () => {
        const inner = path.split('.').slice(1);
        for (const value of [7, null, 'x']) {
          const last = inner.at(-1);
          const options =
            last === undefined ? value : nested(inner.slice(0, -1).join('.'), { [last]: value });
          assertArgumentError(await failureOf(name, options));
        }
      });
    }
  }
});

describe('bad arguments', () => {
  const JUNK = [undefined, null, 7, Number.NaN, {}, [7], Symbol('junk'), () => {}];

  for (const { name, returns, parameters } of functions) {
    if (parameters === 0) continue;
    test(`${name} ${returns === 'value' ? 'throws' : 'rejects, and does not throw'}`, async () => {
      for (const junk of JUNK) {
        const args = Array.from({ length: parameters }, () => junk);
        if (returns === 'value') {
          assert.throws(
            () => call(name, ...args),
            (error) => {
              assertArgumentError(error);
              return true;
            },
          );
          continue;
        }
        const result = call(name, ...args); // must not throw
        const pending = isIterator(result) ? result.next() : (result as Promise<unknown>);
        await pending.then(
          () => assert.fail(`it resolves with ${String(junk)}`),
          (error: unknown) => assertArgumentError(error),
        );
      }
    });
  }
});
