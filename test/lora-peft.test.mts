// Tests LoRAs in the forms that PEFT saves against the result of PEFT's own merge.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readLora, resolveLora } from '#lib/checkpoint/lora';
import { mergeLora } from '#lib/checkpoint/merge';
import { PythonPattern } from '#lib/checkpoint/python-pattern';
import { PatternUnsupported } from '#lib/checkpoint/python-pattern-parser';
import { readCheckpoint } from '#lib/checkpoint/read';
import { resolveLlama } from '#lib/checkpoint/resolve-llama';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { once } from './support/once.mts';
import { writeSafetensors } from './support/safetensors-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { tensorValues } from './support/tensor-values.mts';

interface Goldens {
  versions: { peft: string };
  cases: { name: string; changed: string[] }[];
}

const fixtures = join(import.meta.dirname, 'fixtures/lora');
const goldens: Goldens = JSON.parse(readFileSync(join(fixtures, 'goldens.json'), 'utf8'));
const folder = temporaryFolder();
/** PEFT sums in fp32, this project in fp64. */
const TOLERANCE = 2e-6;

/** Reads a fixture once. Each reading uses a thread of its own. */
const read = once((path: string) => readCheckpoint(join(fixtures, path)));
const base = async () => resolveLlama(await read('base')).weights;

describe(`as PEFT ${goldens.versions.peft} merges`, () => {
  for (const { name, changed } of goldens.cases) {
    it(name, async () => {
      const weights = await base();
      const updates = resolveLora(await readLora(join(fixtures, name)), weights);
      assert.deepEqual(updates.map((update) => update.name).sort(), changed);
      const output = join(folder, `${name}.bin`);
      const merged = await mergeLora(weights, updates, { output, dtype: 'f32' });
      const byName = new Map(merged.map(({ name, entry }) => [name, entry]));
      const right = await read(join(name, 'merged.safetensors'));
      assert.ok(right.tensors.length > 0);
      for (const tensor of right.tensors) {
        const entry = byName.get(tensor.name);
        assert.ok(entry, tensor.name);
        const expected = tensorValues(tensor);
        const far = tensorValues(entry).filter(
          (value, i) => !(Math.abs(value - (expected[i] ?? Number.NaN)) <= TOLERANCE),
        );
        assert.deepEqual(far, [], tensor.name);
      }
    });
  }
});

/**
 * Copies a case's folder with a changed configuration and without the tensors that `drop` matches.
 */
async function altered(name: string, change: object, drop = /^$/): Promise<string> {
  const path = join(folder, `altered-${made++}`);
  mkdirSync(path);
  const config = JSON.parse(readFileSync(join(fixtures, name, 'adapter_config.json'), 'utf8'));
  writeFileSync(join(path, 'adapter_config.json'), JSON.stringify({ ...config, ...change }));
  const { tensors } = await read(join(name, 'adapter_model.safetensors'));
  const kept = tensors.filter((tensor) => !drop.test(tensor.name));
  writeSafetensors(
    join(path, 'adapter_model.safetensors'),
    kept.map((tensor) => ({
      name: tensor.name,
      dtype: 'f32' as const,
      shape: tensor.shape,
      data: new Uint8Array(Float32Array.from(tensorValues(tensor)).buffer),
    })),
  );
  return path;
}
let made = 0;
const resolve = async (path: string) => resolveLora(await readLora(path), await base());

describe('an incomplete LoRA', () => {
  const cases: [string, object, RegExp][] = [
    ['all-linear', {}, /layers\.1.*up_proj/],
    ['all-linear', { target_modules: 'all-linear' }, /layers\.1.*up_proj/],
    ['full-names', {}, /layers\.2/],
    ['regex', {}, /layers\.1.*v_proj/],
    ['regex-ahead', {}, /layers\.0.*o_proj/],
    ['exclude-list', {}, /layers\.2.*gate_proj/],
    ['some-layers', {}, /layers\.1/],
    ['one-layer', {}, /q_proj/],
    ['headless-all-linear', {}, /layers\.0.*q_proj/],
  ];
  for (const [name, change, drop] of cases) {
    it(`${name} without ${drop.source}`, async () => {
      const path = await altered(name, change, drop);
      await rejectsWith(resolve(path), 'ERR_CHECKPOINT_MISMATCH', /lacks the update of/);
    });
  }

  it('or one with other tensors than its configuration states', async () => {
    for (const change of [
      { target_modules: ['q_proj'] },
      { target_modules: '.*q_proj' },
      { exclude_modules: ['layers.0.mlp.down_proj'] },
      { exclude_modules: '.*0.*' },
      { layers_to_transform: [0, 1] },
    ]) {
      const path = await altered('suffixes', change);
      await rejectsWith(resolve(path), 'ERR_CHECKPOINT_MISMATCH', /no update it announces/);
    }
    const ranked = await altered('suffixes', { rank_pattern: { q_proj: 3 } });
    await rejectsWith(resolve(ranked), 'ERR_CHECKPOINT_MISMATCH', /expected \[3,8\]/);
    const none = await altered('suffixes', {}, /./);
    await rejectsWith(resolve(none), 'ERR_CHECKPOINT_MISMATCH', /no update of a linear layer/);
  });
});

describe('a variant of LoRA is refused by its name', () => {
  const variants: Record<string, unknown>[] = [
    { alora_invocation_tokens: [1, 2] },
    { use_dora: true },
    { use_qalora: true },
    { use_bdlora: { nblocks: 2 } },
    { use_something_new: true },
    { kasa_config: { beta: 1 } },
    { arrow_config: { top_k: 1 } },
    { monteclora_config: { num_samples: 2 } },
    { init_lora_weights: 'pissa' },
    { init_lora_weights: 'pissa_niter_16' },
    { init_lora_weights: 'olora' },
    { init_lora_weights: 'corda' },
    { init_lora_weights: 'loftq' },
    { init_lora_weights: 'lora_ga' },
    { init_lora_weights: 7 },
    { modules_to_save: ['lm_head', 'embed_tokens'] },
    { layer_replication: [[0, 2]] },
    { target_parameters: ['experts.down_proj'] },
    { trainable_token_indices: [3] },
    { lora_bias: true },
    { bias: 'lora_only' },
    { peft_type: 'LOHA' },
  ];
  for (const variant of variants) {
    const [[key = '', value] = []] = Object.entries(variant);
    it(`${key}: ${JSON.stringify(value)}`, async () => {
      const path = await altered('suffixes', variant);
      await rejectsWith(resolve(path), 'ERR_CHECKPOINT_UNSUPPORTED', new RegExp(key));
    });
  }

  it('a variant that changes nothing is accepted', async () => {
    const path = await altered('suffixes', {
      ...{ eva_config: { rho: 2 }, use_rslora: false, megatron_config: { a: 1 } },
      ...{ modules_to_save: ['lm_head'], unknown: 'field', inference_mode: true },
    });
    assert.equal((await resolve(path)).length, 6);
  });

  it('a LoRA with activation tokens is not merged', async () => {
    const path = await altered('suffixes', { alora_invocation_tokens: [1] });
    await rejectsWith(resolve(path), 'ERR_CHECKPOINT_UNSUPPORTED', /activated LoRA/);
  });
});

describe('regular expressions of a file', () => {
  const matches = (source: string, text: string) =>
    new PythonPattern(source, { left: 100_000 }).matchesAll(text);

  it('match as in Python', () => {
    // The expected values are from re.fullmatch of Python 3.11.
    const cases: [string, string, boolean][] = [
      ['a|bc', 'bc', true],
      ['(a|ab)(c|bcd)', 'abcd', true],
      ['a{2,3}', 'aaaa', false],
      ['a{,2}b', 'aab', true],
      ['a{2}b', 'aab', true],
      ['a{b}', 'a{b}', true],
      ['[^.]+\\.[\\w-]*', 'x.a-b', true],
      ['[]a]+', ']a]', true],
      ['[a-c\\d]+?', 'b7c', true],
      ['(?P<n>x)y??', 'xy', true],
      ['\\bq_proj\\b', 'q_proj', true],
      ['x\\B.y', 'x.y', false],
      ['(?!a)\\w', 'a', false],
      ['(?=ab).*', 'abc', true],
      ['', '', true],
      ['$', '', true],
      ['(a*)*b', 'aab', true],
      ['.', '\n', false],
    ];
    for (const [source, text, expected] of cases) {
      assert.equal(matches(source, text), expected, `${source} on ${text}`);
    }
  });

  it('that are invalid or too complex are refused', () => {
    for (const source of [
      '(',
      'a)',
      '[a',
      '*',
      'a**',
      '(a)\\1',
      '(?<=a)b',
      '(?i)a',
      '\\',
      'a{2000}',
      '('.repeat(99),
    ]) {
      assert.throws(() => matches(source, 'a'), PatternUnsupported, source);
    }
    assert.throws(() => matches('a'.repeat(5000), 'a'), PatternUnsupported);
  });

  it('always end', () => {
    const text = 'a'.repeat(40);
    assert.equal(matches('(a+)+b', text), false);
    assert.equal(matches('(a|a)*(a|a)*(a|a)*b', text), false);
    assert.equal(matches('(.*.*.*.*)*b', text), false);
    const costly = new PythonPattern(`(${'a?'.repeat(1000)}){1000}b`, { left: 10_000 });
    assert.throws(() => costly.matchesAll('a'.repeat(500)), PatternUnsupported);
  });

  it('matter only if they can match', async () => {
    const path = await altered('suffixes', { alpha_pattern: { '(q)_proj\\1': 3 } });
    await rejectsWith(resolve(path), 'ERR_CHECKPOINT_UNSUPPORTED', /alpha_pattern.*escape/);
    const endless = await altered('suffixes', { target_modules: '.*(?<=q_proj|down_proj)' });
    assert.equal((await resolve(endless)).length, 6);
  });
});
