// Tests the plans of scripts/gpu-check.sh as a dry run prints them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fakeBuild, gpuCheck, runTable } from './support/gpu-check.mts';
import { temporaryFolder } from './support/temporary.mts';

/** Seconds that each plan reserves for unpacking. */
const UNPACKING = 20;

describe('the plans of gpu-check', () => {
  interface Listed {
    name: string;
    limit: number | 'rest';
    beside: boolean;
    decides: string;
  }
  interface Plan {
    name: string;
    steps: Listed[];
    sum: number;
    seconds: number | undefined;
  }

  /** Parses the output of a dry run. */
  function readPlans(text: string): Plan[] {
    return text.split(/^(?=\w+: what )/m).flatMap((paragraph) => {
      const name = /^(\w+): what /.exec(paragraph)?.[1];
      if (name === undefined) return [];
      const pattern =
        /^ {2}(\S+) \((?:at most (\d+) s|what the plan has left)(, beside its neighbours)?\): (.+)$/gm;
      const steps = [...paragraph.matchAll(pattern)].map(
        ([, name = '', limit, beside, why = '']) => ({
          name,
          limit: limit === undefined ? ('rest' as const) : Number(limit),
          beside: beside !== undefined,
          decides: why,
        }),
      );
      const total =
        /^ {2}limits of (\d+) s in all, (\d+) s to unpack included; the plan has (?:(\d+) s|no bound)$/m;
      const [, sum, , seconds] = total.exec(paragraph) ?? [];
      return { name, steps, sum: Number(sum), seconds: seconds ? Number(seconds) : undefined };
    });
  }

  const folder = temporaryFolder();
  const out = join(folder, 'record.json');
  const dry = gpuCheck(fakeBuild(), '--out', out, '--dry-run');
  const plans = readPlans(dry.stdout);

  test('the most important steps come first', () => {
    assert.equal(dry.status, 0, dry.stderr);
    assert.deepEqual(
      plans.map(({ name, seconds }) => [name, seconds]),
      [
        ['first', 540],
        ['second', 240],
        ['rest', undefined],
      ],
    );
    const [first, second] = plans.map(({ steps }) => steps.map(({ name }) => name));
    assert.deepEqual(first, [
      'kernels',
      'session-eva02-small',
      'session-clip-small',
      'session-siglip2-small',
      'session-large-fp16',
      'pytorch-fp16',
      'kernels-memcheck',
      'node-suite',
      'tensorrt-rtx-eva02-small',
      'tensorrt-rtx-clip-small',
      'tensorrt-rtx-siglip2-small',
      'tensorrt-rtx-texts',
      'tensorrt-rtx-large-fp16',
      'torch-compile-fp16',
    ]);
    assert.deepEqual(second, [
      'texts-small',
      'node-suite-more',
      'kernels-synccheck',
      'kernels-initcheck',
      'session-large-bf16',
      'fault-memory-at-run',
      'fault-device-lost',
      'fault-memory-at-open',
      'soak',
      'pytorch-bf16',
    ]);
  });

  test('the limits fit, and the last step has the remaining time', () => {
    for (const { name, steps, sum, seconds } of plans) {
      let [total, longest] = [UNPACKING, 0];
      for (const { limit, beside } of steps) {
        if (!beside) [total, longest] = [total + longest, 0];
        if (limit === 'rest') assert.equal(steps.at(-1)?.limit, 'rest', name);
        else if (beside) longest = Math.max(longest, limit);
        else total += limit;
      }
      assert.equal(sum, total + longest, name);
      assert.ok(sum <= (seconds ?? Number.POSITIVE_INFINITY), name);
    }
  });

  test('each step says what it decides, has a unique name, and measures no speed beside others', () => {
    const steps = plans.flatMap((plan) => plan.steps);
    assert.equal(new Set(steps.map(({ name }) => name)).size, steps.length);
    for (const { name, decides, beside } of steps) {
      assert.match(decides, /^(whether|how) .{20}/, name);
      assert.ok(!(beside && /large|pytorch|compile|bench|soak|fault/.test(name)), name);
    }
  });

  test('the JavaScript tests that a step runs exist', () => {
    const words = [...dry.stdout.matchAll(/gpu-kit\/run\.sh .* suite .*?(\S+)$/gm)].map(
      ([, word]) => word,
    );
    assert.deepEqual(words, ['first', 'second', 'full-size']);
    const path = join(import.meta.dirname, '../scripts/gpu-kit/shares.json');
    const shares = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string[]>;
    const files = words.flatMap((word) => shares[word ?? ''] ?? [word]);
    for (const name of files) {
      assert.ok(existsSync(join(import.meta.dirname, `${name}.test.mts`)), name);
    }
  });

  test('a dry run writes nothing, and says what is missing', () => {
    assert.equal(existsSync(out), false);
    assert.match(dry.stdout, /^nothing was run; the record would be .*record\.json$/m);
    assert.match(
      dry.stdout,
      /^ {4}expected \S+llm2clip_tensorrt_rtx.so, found none: build with the headers/m,
    );
  });

  test('one plan or some steps can be printed alone', () => {
    const second = gpuCheck(fakeBuild(), '--plan', 'second', '--dry-run').stdout;
    assert.deepEqual(
      readPlans(second).map(({ name }) => name),
      ['second'],
    );
    assert.doesNotMatch(second, /kernels-memcheck/);
    const some = gpuCheck(fakeBuild(), '--steps', 'soak*,kernels', '--dry-run').stdout;
    assert.deepEqual(some.match(/^ {2}\S+ \(/gm), ['  kernels (', '  soak (', '  soak-long (']);
  });

  test('a plan whose limits do not fit is refused', () => {
    const lines = ["plan tight 50 'x'", "alone one 31 'whether it fits' true"];
    const { status, stdout } = runTable(lines, '--dry-run');
    assert.equal(status, 1);
    assert.match(stdout, /expected limits that fit into their plan, found more in tight/);
  });

  test('an unknown option or plan is refused', () => {
    const slow = gpuCheck(fakeBuild(), '--slow');
    assert.equal(slow.status, 2);
    assert.match(slow.stdout, /--plan NAME/);
    const third = gpuCheck(fakeBuild(), '--plan', 'third', '--dry-run');
    assert.equal(third.status, 2);
    assert.match(third.stdout, /expected one of the plans first second rest, found third/);
  });
});
