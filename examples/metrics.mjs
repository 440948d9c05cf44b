// Exports a model's stats() to Prometheus, through prom-client. They are read when Prometheus asks,
// so that they cost nothing in between.
import { Counter, Gauge } from 'prom-client';

const OUTCOMES = ['completed', 'failed', 'refused', 'timedOut', 'dropped'];
const QUANTILES = { 0.5: 'p50', 0.95: 'p95', 0.99: 'p99' };

/** Registers the metrics of a model with a Registry. Times are in seconds, as Prometheus has them. */
export function registerMetrics(model, registry) {
  const register = { registers: [registry] };

  new Counter({
    ...register,
    name: 'llm2clip_requests_total',
    help: 'Pictures asked for, by what became of them',
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
    help: 'Pictures that wait for a batch',
    collect() {
      this.set(model.stats().queue.depth);
    },
  });
  new Gauge({
    ...register,
    name: 'llm2clip_in_batches',
    help: 'Pictures in the batch that runs and in the one that is being prepared',
    collect() {
      this.set(model.stats().queue.inBatches);
    },
  });
  new Counter({
    ...register,
    name: 'llm2clip_batches_total',
    help: 'Runs of the engine, by how many pictures they held',
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
    help: 'Time in which the engine ran; its rate is the utilisation',
    collect() {
      this.reset();
      this.inc(model.stats().engine.busyMs / 1000);
    },
  });
  new Gauge({
    ...register,
    name: 'llm2clip_stage_seconds',
    help: 'Time of a picture in each stage since loading; run: of a batch',
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
    help: "Bytes of callers' pictures copied on the way in, and of embeddings on the way out",
    labelNames: ['direction'],
    collect() {
      this.reset();
      for (const [direction, { bytes }] of Object.entries(model.stats().copies)) {
        this.inc({ direction }, bytes);
      }
    },
  });
}
