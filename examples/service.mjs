// An HTTP service that embeds images and exports metrics:
//
//   node examples/service.mjs BUNDLE [PORT]
//   curl --data-binary @cat.jpg localhost:8080/embed
//   curl localhost:8080/metrics
//
// Concurrent requests become batches automatically. If a client disconnects, its image leaves the
// queue. Overload is answered with 503 at once. On SIGTERM the service finishes the pending
// requests. Memory for requests is bounded by UNDER_WAY × (MAX_BYTES + 3 × MAX_PIXELS) bytes, about
// 1.5 GB.
import { createServer } from 'node:http';
import { LLM2CLIP } from 'llm2clip';
import { Registry } from 'prom-client';
import { registerMetrics } from './metrics.mjs';

const STATUS = {
  ERR_QUEUE_FULL: 503,
  ERR_TIMEOUT: 504,
  ERR_DISPOSED: 503,
  ERR_IMAGE_TOO_LARGE: 413,
  ERR_BODY_TOO_LARGE: 413,
};
/** Time-out of a request after its body has arrived. */
const TIMEOUT_MS = Number(process.env.TIMEOUT_MS ?? 10_000);
/** Time-out of an upload, so that slow clients do not occupy places. */
const UPLOAD_MS = 30_000;
/** Largest number of requests that are read, decoded or computed at the same time. */
const UNDER_WAY = 32;
/** Largest size of a request's body. */
const MAX_BYTES = 10_000_000;
/** Largest number of pixels; a file of a few kilobytes may decode to hundreds of millions. */
const MAX_PIXELS = 12_000_000;

const [bundle, port = '8080'] = process.argv.slice(2);
if (bundle === undefined) throw new Error('usage: service.mjs BUNDLE [PORT]');
const model = await LLM2CLIP.load(bundle, {
  batching: { maxQueue: UNDER_WAY },
  image: { maxPixels: MAX_PIXELS },
});
const registry = new Registry();
registerMetrics(model, registry);

function refusal(code, message) {
  return Object.assign(new Error(message), { code });
}

/** Reads a request's body up to MAX_BYTES. Node discards the rest as it arrives. */
async function bodyOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) {
      throw refusal('ERR_BODY_TOO_LARGE', `expected a body of at most ${MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

let underWay = 0;

async function embed(request, signal) {
  if (underWay >= UNDER_WAY) {
    throw refusal('ERR_QUEUE_FULL', `expected fewer than ${UNDER_WAY} requests under way`);
  }
  underWay += 1;
  try {
    const image = await bodyOf(request);
    const embedding = await model.encodeImage(image, { signal, timeoutMs: TIMEOUT_MS });
    return Array.from(embedding);
  } finally {
    underWay -= 1;
  }
}

/** Returns the HTTP status of an error; images that cannot be decoded are the client's fault. */
function statusOf(code) {
  return STATUS[code] ?? (String(code).startsWith('ERR_IMAGE') ? 422 : 500);
}

const server = createServer({ requestTimeout: UPLOAD_MS }, async (request, response) => {
  const hungUp = new AbortController();
  response.on('close', () => hungUp.abort());
  try {
    if (request.url === '/metrics') {
      response.setHeader('Content-Type', registry.contentType);
      response.end(await registry.metrics());
    } else if (request.url === '/embed' && request.method === 'POST') {
      const embedding = await embed(request, hungUp.signal);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ embedding }));
    } else {
      response.writeHead(404).end();
    }
  } catch (error) {
    if (hungUp.signal.aborted) return;
    response.writeHead(statusOf(error.code), { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ error: { code: error.code, message: error.message } }));
  }
});

process.once('SIGTERM', () => {
  server.close(() => model.dispose());
  server.closeIdleConnections();
});
server.listen(Number(port), () => {
  console.log(`listening on port ${server.address().port}`);
});
