// Exports a model's stats() to Prometheus with prom-client. The statistics are read only when
// Prometheus asks for them.
import { Counter, Gauge } from 'prom-client';

const OUTCOMES = ['completed', 'failed', 'refused', 'timedOut', 'dropped'];
const QUANTILES = { 0.5: 'p50', 0.95: 'p95', 0.99: 'p99' };

/**
 * Registers the metrics of a model with a Registry. Times are in seconds, as is usual in
 * Prometheus.
 */
export function registerMetrics(model, registry) {
  const register = { registers: [registry] };

  new Counter({
    ...register,
    name: 'llm2clip_requests_total',
    help: 'Number of requests by outcome',
    labelNames: ['outcome'],
    collect() {
      const { requests } = model.stats();
      this.reset();
      for (const outcome of OUTCOMES) this.inc({ outcome }, requests[outcome]);
    },
  });
  new Gauge({
    ...register,
    name: 'llm2clip_queue_depth',
    help: 'Number of requests that wait for a batch',
    collect() {
      this.set(model.stats().queue.depth);
    },
  });
  new Gauge({
    ...register,
    name: 'llm2clip_in_batches',
    help: 'Number of requests in the running batch and in the one being prepared',
    collect() {
      this.set(model.stats().queue.inBatches);
    },
  });
  new Counter({
    ...register,
    name: 'llm2clip_batches_total',
    help: 'Number of batches by batch size',
    labelNames: ['size'],
    collect() {
      this.reset();
      for (const [size, count] of Object.entries(model.stats().batches.sizes)) {
        this.inc({ size }, count);
      }
    },
  });
  new Counter({
    ...register,
    name: 'llm2clip_engine_busy_seconds_total',
    help: 'Time for which the engine was running; its rate is the utilisation',
    collect() {
      this.reset();
      this.inc(model.stats().engine.busyMs / 1000);
    },
  });
  new Gauge({
    ...register,
    name: 'llm2clip_stage_seconds',
    help: 'Time of an image in each stage since loading; for stage run, time of a batch',
    labelNames: ['stage', 'quantile'],
    collect() {
      for (const [stage, summary] of Object.entries(model.stats().stages)) {
        for (const [quantile, name] of Object.entries(QUANTILES)) {
          this.set({ stage, quantile }, summary[name] / 1000);
        }
      }
    },
  });
  new Counter({
    ...register,
    name: 'llm2clip_copied_bytes_total',
    help: "Bytes copied: of callers' images on the way in, of embeddings on the way out",
    labelNames: ['direction'],
    collect() {
      this.reset();
      for (const [direction, { bytes }] of Object.entries(model.stats().copies)) {
        this.inc({ direction }, bytes);
      }
    },
  });
}
