// A peer without an engine. The path of the model, or of the pixels, says what it does. It derives
// the times that it reports from the request.
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');

const say = (reply) => process.stdout.write(`${JSON.stringify(reply)}\n`);

function die() {
  process.stderr.write('first words\nlast words\n');
  process.exitCode = 3;
  process.stdin.destroy();
}

const SCRIPTS = {
  missing: () => say({ ok: false, error: "Cannot find module 'engine'", missing: true }),
  fail: () => say({ ok: false, error: 'no such image' }),
  die,
  crash: () => {
    throw new TypeError('no engine');
  },
  hang: () => {},
  garbage: () => process.stdout.write('Loading model… done\n'),
  json: () => say(['no', 'reply']),
  twice: () => process.stdout.write('{"ok":true}\n{"ok":true}\n'),
};

const ANSWERS = {
  open: ({ precision, threads, calibration }) => ({
    precision,
    versions: { engine: `1.${threads}`, calibration },
  }),
  run: ({ offset, batch, imageSize }) => ({
    seconds: [offset + batch / 100],
    eventLoopDelayMaxMs: imageSize,
  }),
  embed: ({ count, imageSize }) => ({
    embeddings: Array.from({ length: count }, (_, i) => [i, imageSize]),
  }),
  // Reports its id and that of a process that it starts and does not end.
  pids: () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
    return { pids: [process.pid, other.pid] };
  },
  close: () => ({}),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  const script = SCRIPTS[request.pixels ?? request.model];
  if (script !== undefined) script();
  else say({ ok: true, ...ANSWERS[request.op](request) });
});
