// A service that embeds the pictures it is sent, and says how it is doing:
//
//   node examples/service.mjs BUNDLE [PORT]
//   curl --data-binary @cat.jpg localhost:8080/embed
//   curl localhost:8080/metrics
//
// Concurrent requests become batches by themselves. A client that hangs up takes its picture out of
// the queue, overload is a 503 at once, and SIGTERM finishes what is under way.
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { LLM2CLIP } from 'llm2clip';
import { Registry } from 'prom-client';
import { registerMetrics } from './metrics.mjs';

const STATUS = { ERR_QUEUE_FULL: 503, ERR_TIMEOUT: 504, ERR_DISPOSED: 503 };
const TIMEOUT_MS = 10_000;

const [bundle, port = '8080'] = process.argv.slice(2);
if (bundle === undefined) throw new Error('usage: service.mjs BUNDLE [PORT]');
const model = await LLM2CLIP.load(bundle);
const registry = new Registry();
registerMetrics(model, registry);

async function embed(request, signal) {
  const picture = await buffer(request);
  const embedding = await model.encodeImage(picture, { signal, timeoutMs: TIMEOUT_MS });
  return Array.from(embedding);
}

/** 4xx for pictures that cannot be decoded. */
function statusOf(code) {
  return STATUS[code] ?? (String(code).startsWith('ERR_IMAGE') ? 422 : 500);
}

const server = createServer(async (request, response) => {
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
