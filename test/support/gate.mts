// Holds the batches of a fake engine (csrc/tests/fake_engine.cpp) until the test releases them, so
// that tests of what happens during a run do not depend on speed.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.mts';

/** Paths of Unix sockets have at most 107 bytes. */
const LONGEST_FOLDER = 80;

/** A gate may hold several engines. Each reports over its own connection when a run begins. */
export class Gate {
  readonly path: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  /** Connections of engines that wait. */
  readonly #held: Socket[] = [];
  /** Number of runs that may pass without waiting. */
  #free = 0;
  #begun = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'gate');
    this.#server = createServer((connection) => this.#accept(connection)).unref();
  }

  static async listen(): Promise<Gate> {
    const parent = tmpdir().length > LONGEST_FOLDER ? '/tmp' : tmpdir();
    const gate = new Gate(mkdtempSync(join(parent, 'llm2clip-gate-')));
    await once(gate.#server.listen(gate.path), 'listening');
    return gate;
  }

  /**
   * Number of runs that have begun. A run with a poisoned image fails earlier and is not counted.
   */
  get begun(): number {
    return this.#begun;
  }

  /** Waits until `count` runs have begun in total. */
  async waitForRuns(count: number): Promise<void> {
    await until(() => this.#begun >= count, `${count} runs`);
  }

  /** Lets `count` runs end, present or future ones. */
  release(count = 1): void {
    this.#free += count;
    this.#letGo();
  }

  /** Lets every run end from now on. */
  open(): void {
    this.release(Number.POSITIVE_INFINITY);
  }

  /** Holds every run that begins from now on. */
  hold(): void {
    this.#free = 0;
  }

  /** Lets every run end, for good. */
  close(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #accept(connection: Socket): void {
    this.#connections.add(connection.unref());
    connection.on('data', ({ length }) => {
      this.#begun += length;
      this.#held.push(connection);
      this.#letGo();
    });
    connection.on('error', () => {});
    connection.on('close', () => this.#connections.delete(connection));
  }

  #letGo(): void {
    while (this.#free > 0 && this.#held.length > 0) {
      this.#free -= 1;
      this.#held.shift()?.write('.');
    }
  }
}
