import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { locateLibtorch } from '#lib/runtime/locate';
import { locatePlugin } from '#lib/runtime/plugins';

const PROGRAM = fileURLToPath(new URL('../../build/Release/tests/rope_engines', import.meta.url));

/** Largest difference from the result of a plain computation in double precision. */
const TOLERANCE = 1e-5;

/** Writes engines of towers with several ropes to `folder`, and returns the program's output. */
export async function buildRopeEngines(folder: string): Promise<string[]> {
  const { libraries } = await locateLibtorch();
  const args = [folder, locatePlugin('torchscript'), ...libraries];
  const { stdout } = await promisify(execFile)(PROGRAM, args);
  return stdout.trim().split('\n');
}

/** Asserts the output of one of these towers for `<tower>-inputs`. */
export function assertRopes(found: Float32Array, folder: string, tower: 'texts' | 'images') {
  const { buffer } = Uint8Array.from(readFileSync(join(folder, `${tower}-expected`)));
  const expected = new Float32Array(buffer);
  assert.equal(found.length, expected.length);
  for (const [i, number] of expected.entries()) {
    const difference = Math.abs((found[i] ?? Number.NaN) - number);
    assert.ok(difference <= TOLERANCE, `number ${i}: ${found[i]}, expected ${number}`);
  }
}
