import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { countEnergy } from './energy';

const SAMPLE_MS = 50;

/** What a run did to its process. */
export interface Observed {
  /** Milliseconds. */
  eventLoopDelay: { p99: number; max: number };
  gc: { count: number; total: number; max: number };
  memory: { rssPeakBytes: number; externalPeakBytes: number };
  joules: number | null;
}

function watchGarbageCollector() {
  const gc = { count: 0, total: 0, max: 0 };
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gc.count += 1;
      gc.total += duration;
      gc.max = Math.max(gc.max, duration);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    observer.disconnect();
    return gc;
  };
}

function watchMemory() {
  const memory = { rssPeakBytes: 0, externalPeakBytes: 0 };
  const sample = () => {
    const { rss, external } = process.memoryUsage();
    memory.rssPeakBytes = Math.max(memory.rssPeakBytes, rss);
    memory.externalPeakBytes = Math.max(memory.externalPeakBytes, external);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS).unref();
  return () => {
    clearInterval(timer);
    sample();
    return memory;
  };
}

/** Begins to watch this process; the function it gives ends that and says what was seen. */
export function observe(): () => Observed {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const gc = watchGarbageCollector();
  const memory = watchMemory();
  const energy = countEnergy();
  return () => {
    delay.disable();
    return {
      eventLoopDelay: { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
      gc: gc(),
      memory: memory(),
      joules: energy(),
    };
  };
}
