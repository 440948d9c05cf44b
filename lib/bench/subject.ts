// The measured process. It loads a bundle and the images, answers queries and reports the cost.
// `llm2clip bench` and bench/loadgen start it and talk to it by protocol.ts.
import { Console } from 'node:console';
import { createInterface } from 'node:readline';
import { readVisionManifest } from '../bundle/open';
import type { ImageInput } from '../image';
import { LLM2CLIP } from '../model';
import type { ModelInfo } from '../model/model-info';
import { realClock } from './clock';
import { readInputs } from './images';
import { closedLoop, type Send, stamped } from './load';
import { observe } from './observe';
import { limitsOf } from './plan';
import type { Message, OpenOptions, Request, Told } from './protocol';
import { Recorder } from './recorder';

function say(message: Message): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** An open bundle and the queries that it was asked. */
class Subject {
  readonly #model: LLM2CLIP;
  readonly #inputs: readonly ImageInput[];
  readonly #tellEveryMs: number;
  readonly #observed = observe();
  readonly #send: Send;
  /** Answers that have not been reported yet. */
  #answers: Told[] = [];
  #told = realClock.now();
  #underWay = 0;

  private constructor(model: LLM2CLIP, inputs: readonly ImageInput[], tellEveryMs: number) {
    this.#model = model;
    this.#inputs = inputs;
    this.#tellEveryMs = tellEveryMs;
    this.#send = stamped(realClock, (image) => model.encodeImage(this.#input(image)));
  }

  static async open({ bundle, load, paths, input, tellEveryMs }: OpenOptions): Promise<Subject> {
    const { preprocessing } = await readVisionManifest(bundle);
    const inputs = await readInputs(paths, input, preprocessing);
    return new Subject(await LLM2CLIP.load(bundle, load), inputs, tellEveryMs);
  }

  get info(): ModelInfo {
    return this.#model.info;
  }

  async answer(request: Exclude<Request, { op: 'open' }>): Promise<void> {
    switch (request.op) {
      case 'ask':
        return this.#ask(request.queries);
      case 'loop':
        return say({ is: 'looped', measured: await this.#loop(request) });
      case 'embed':
        return say({ is: 'embedded', rows: await this.#embed() });
      case 'close':
        return say({ is: 'closed', stats: this.#model.stats(), observed: this.#observed() });
      default:
        throw new Error(`expected open, ask, loop, embed or close, found ${request}`);
    }
  }

  #input(index: number): ImageInput {
    return this.#inputs[index % this.#inputs.length] as ImageInput;
  }

  async #ask(queries: readonly [number, number][]): Promise<void> {
    this.#underWay += queries.length;
    const waiting = queries.values();
    const caller = async () => {
      for (const [id, image] of waiting) this.#keep(id, await this.#send(image));
    };
    const callers = Math.min(queries.length, 2 * this.#model.info.maxBatch);
    await Promise.all(Array.from({ length: callers }, caller));
  }

  #keep(id: number, { finished, outcome }: Awaited<ReturnType<Send>>): void {
    this.#answers.push([id, finished, outcome]);
    this.#underWay -= 1;
    if (this.#underWay > 0 && finished - this.#told < this.#tellEveryMs) return;
    say({ is: 'told', answers: this.#answers });
    this.#answers = [];
    this.#told = finished;
  }

  async #loop({ plan, lengths }: Request & { op: 'loop' }) {
    const { picturesPerQuery, concurrency } = plan;
    const recorder = new Recorder(picturesPerQuery);
    const some = (first: number) =>
      Array.from({ length: picturesPerQuery }, (_, i) => this.#input(first + i));
    const send =
      picturesPerQuery === 1
        ? this.#send
        : stamped(realClock, (i) => this.#model.encodeImages(some(i * picturesPerQuery)));
    const limits = limitsOf(plan, lengths);
    await closedLoop({ clock: realClock, recorder, send, limits }, concurrency ?? 1);
    return recorder.measured(true);
  }

  async #embed(): Promise<number[][]> {
    const { row } = await this.#model.encodeImages(this.#inputs);
    return this.#inputs.map((_, i) => [...row(i)]);
  }
}

let subject: Subject | undefined;

async function take(line: string): Promise<void> {
  try {
    const request = JSON.parse(line) as Request;
    if (request.op === 'open') {
      subject = await Subject.open(request);
      say({ is: 'opened', info: subject.info });
    } else if (subject === undefined) throw new Error(`expected open, found ${request.op}`);
    else await subject.answer(request);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const told = typeof code === 'string' ? code : 'ERR_INTERNAL';
    say({ is: 'failed', code: told, message: String(message ?? error) });
  }
}

// Ctrl-C also reaches the generator, which ends this process when it no longer needs it.
process.on('SIGINT', () => {});
// Only the protocol may write to stdout, so that libraries' output goes to stderr.
globalThis.console = new Console(process.stderr);
process.stdout.on('error', () => process.exit(1));
createInterface({ input: process.stdin })
  .on('line', (line) => void take(line))
  // stdin closes when the generator has ended for any reason.
  .on('close', () => process.exit(0));
