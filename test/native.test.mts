// Runs csrc's own tests in this runner, so that one summary covers all tests.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SUBJECTS = {
  activation: 'so does each activation, and each loop over rows',
  attention: 'each attention kernel gives the numbers of its plain reference',
  batch: 'what a run takes is told apart, packed and padded; features are rounded',
  batching: 'the scheduler makes batches of what may run together, in order',
  cuda: 'the driver of CUDA is opened, refused and lost in words, over a fake one',
  cuda_kernels: "the GPU's kernels, run on the host, give the numbers of their plain references",
  engine: 'plugins are told apart, sessions are shared by those who ask for the same',
  image: 'preprocessing stays within its memory, whatever the sizes',
  linear: 'so does each linear kernel, in every precision',
  mapped_file: 'a mapped file that is cut short or written to costs an error, not the process',
  model: 'weights are bound as models ask for them, and an engine without text says so',
  memory: "batches lie in the runner's own memory, which hears of every image in it",
  norm: 'and each norm',
  ops: "the CPU's operations give those numbers for whole batches, on any number of threads",
  pipeline: 'a text goes through language model, rounding and adapter in one run',
  processors: 'the quota of a control group and the affinity limit the threads',
  search: 'exact search finds what a sort of all scores finds; its files survive',
  serving: 'the scheduler keeps its word over a fake engine',
  staging: 'batches come to a GPU whole, images as what preprocessing on the host makes of them',
  team: 'threads share work, whoever else needs them and whatever the work throws',
  threads: 'a system that gives no more threads costs an error, not the process',
  tensorrt: 'what layers of TensorRT hold is padded, turned and projected right',
};

/** Subjects whose tests also run with the kernels that need no particular processor. */
const GENERIC = ['linear'];

function run(subject: string, title: string, isa?: string) {
  test(title, (t) => {
    const program = fileURLToPath(
      new URL(`../build/Release/tests/${subject}_test`, import.meta.url),
    );
    const { status, stdout, error } = spawnSync(program, {
      encoding: 'utf8',
      timeout: 900_000,
      env: { ...process.env, ...(isa === undefined ? {} : { LLM2CLIP_ISA: isa }) },
    });
    assert.ifError(error);
    const lines = stdout.trim().split('\n');
    const skipped = lines.filter((line) => line.startsWith('skipped'));
    for (const line of skipped) t.diagnostic(line);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('FAILED')),
      [],
    );
    assert.equal(status, 0);
    // On an old processor all tests of a program may be skipped.
    const ok = lines.filter((line) => line.startsWith('ok')).length;
    assert.ok(ok >= 4 || skipped.length > 0, stdout);
  });
}

for (const [subject, title] of Object.entries(SUBJECTS)) run(subject, title);
for (const subject of GENERIC) run(subject, `${subject}, on any processor`, 'generic');
