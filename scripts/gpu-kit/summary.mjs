// Summarises how the tests of each file ended, from the events of Node's test runner.
import { basename } from 'node:path';

/** How many lines of a failure are kept. */
const LINES = 12;

function reasonOf({ error }) {
  const { message, stack } = error?.cause ?? error ?? {};
  return String(stack ?? message ?? error).split('\n');
}

/** The runner treats a file as a test, and reports it only when the file itself failed. */
function isFile({ name, file }) {
  return file !== undefined && basename(name) === basename(file);
}

export class Summary {
  #files = {};
  #failures = [];
  /** The last output of each file. It explains why a file could not be run. */
  #said = {};

  constructor(events) {
    events.on('test:pass', (test) => this.#add(test, 'passed'));
    events.on('test:fail', (test) => this.#add(test, 'failed'));
    events.on('test:stderr', ({ file, message }) => {
      const lines = message.split('\n').filter((line) => line !== '' && !/^\s+at /.test(line));
      this.#said[file] = [...(this.#said[file] ?? []), ...lines].slice(-LINES);
    });
  }

  #add(test, outcome) {
    const file = basename(test.file ?? test.name);
    this.#files[file] ??= { passed: 0, failed: 0, skipped: 0, seconds: 0 };
    const counts = this.#files[file];
    if (test.nesting === 0) counts.seconds += test.details.duration_ms / 1000;
    if (test.details.type === 'suite' || (isFile(test) && outcome === 'passed')) return;
    counts[test.skip === undefined ? outcome : 'skipped'] += 1;
    if (outcome === 'failed') this.#failures.push(this.#failure(test, file));
  }

  #failure(test, file) {
    const said = isFile(test) ? (this.#said[test.file] ?? []) : [];
    const reason = said.length > 0 ? said : reasonOf(test.details).slice(0, LINES);
    return { file, test: basename(test.name), reason };
  }

  record() {
    const of = (outcome) =>
      Object.values(this.#files).reduce((sum, file) => sum + file[outcome], 0);
    const device = process.env.LLM2CLIP_TEST_DEVICE ?? 'cpu';
    const counts = { passed: of('passed'), failed: of('failed'), skipped: of('skipped') };
    const { version, execPath: node } = process;
    return { device, node, version, ...counts, files: this.#files, failures: this.#failures };
  }
}
