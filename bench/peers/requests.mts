// A contestant's side of the protocol in Node: requests from stdin, answers on stdout.
import { Console } from 'node:console';
import { createInterface } from 'node:readline';
import type { Failure, Reply } from './protocol.mts';

/** The operations by `op`. Each takes the request and returns the content of the reply. */
export type Operations = Readonly<Record<string, (request: never) => object | Promise<object>>>;

const LONGEST_ERROR = 300;
const MISSING = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];

function failureOf(error: unknown): Failure {
  const { message, code } = error as NodeJS.ErrnoException;
  const line = String(message ?? error)
    .trim()
    .replace(/\s+/g, ' ');
  return { ok: false, error: line.slice(0, LONGEST_ERROR), missing: MISSING.includes(code ?? '') };
}

/** Waits until everything is written, because a pipe holds less than many embeddings. */
function say(reply: Reply<object>): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(reply)}\n`, () => resolve());
  });
}

async function answer(operations: Operations, request: { op?: unknown }): Promise<object> {
  const { op } = request;
  if (op === 'close') return {};
  const names = Object.keys(operations);
  if (typeof op !== 'string' || !names.includes(op)) {
    throw new Error(`expected ${names.join(', ')} or close, received ${JSON.stringify(request)}`);
  }
  return (operations[op] as (request: object) => object | Promise<object>)(request);
}

/** Answers requests until `close` or the end of stdin, and then ends the process. */
export async function answerRequests(operations: Operations): Promise<never> {
  // stdout is reserved for the protocol. Output of libraries goes to stderr.
  globalThis.console = new Console(process.stderr);
  for await (const line of createInterface({ input: process.stdin })) {
    let op: unknown;
    let reply: Reply<object>;
    try {
      const request = JSON.parse(line) as { op?: unknown };
      op = request.op;
      reply = { ok: true, ...(await answer(operations, request)) };
    } catch (error) {
      reply = failureOf(error);
    }
    await say(reply);
    if (op === 'close') break;
  }
  process.exit(0);
}
