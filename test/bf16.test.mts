// Tests rounding to bf16 against its definition: 8 bits of precision, ties to even.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundToBf16 } from '#lib/text/bf16';

test('numbers are rounded to nearest, ties to even', () => {
  const cases: [from: number, to: number][] = [
    [0, 0],
    [-0, -0],
    [1, 1],
    [1 + 2 ** -8, 1],
    [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
    [-1 - 3 * 2 ** -8, -1 - 2 ** -6],
    [3.4e38, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ];
  const numbers = Float32Array.from(cases, ([from]) => from);
  roundToBf16(numbers);
  assert.deepEqual(
    [...numbers],
    cases.map(([, to]) => to),
  );
});

test('every NaN stays NaN, and nothing outside the view changes', () => {
  const bits = Uint32Array.of(1, 0x7fffffff, 0xffffffff, 0x7f800001, 0xffc00000, 1);
  roundToBf16(new Float32Array(bits.buffer, 4, 4));
  assert.ok(new Float32Array(bits.buffer, 4, 4).every(Number.isNaN));
  assert.deepEqual([bits[0], bits[5]], [1, 1]);
});
