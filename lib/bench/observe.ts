import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { countEnergy } from './energy';

/** Each look wakes the process that is measured: these are rare beside the pictures it computes. */
const LOOP_MS = 20;
const MEMORY_MS = 500;

/** What a run did to the process that is measured. */
export interface Observed {
  /** How late a timer was that was due every 20 ms, in milliseconds. */
  eventLoopDelay: { p99: number; max: number };
  /** Milliseconds. */
  gc: { count: number; total: number; max: number };
  memory: { rssPeakBytes: number; externalPeakBytes: number };
  joules: number | null;
}

function watchEventLoop() {
  const intervals = monitorEventLoopDelay({ resolution: LOOP_MS });
  intervals.enable();
  return () => {
    intervals.disable();
    const delay = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - LOOP_MS);
    return { p99: delay(intervals.percentile(99)), max: delay(intervals.max) };
  };
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

/** The kernel's own peak of this process. That of getrusage() may be its parent's. */
function rssPeakBytes(): number {
  const [, kibibytes] =
    /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kibibytes);
}

function watchMemory() {
  let externalPeakBytes = 0;
  const sample = () => {
    externalPeakBytes = Math.max(externalPeakBytes, getHeapStatistics().external_memory);
  };
  sample();
  const timer = setInterval(sample, MEMORY_MS).unref();
  return () => {
    clearInterval(timer);
    sample();
    return { rssPeakBytes: rssPeakBytes(), externalPeakBytes };
  };
}

/** Begins to watch this process; the function it gives ends that and says what was seen. */
export function observe(): () => Observed {
  const eventLoop = watchEventLoop();
  const gc = watchGarbageCollector();
  const memory = watchMemory();
  const energy = countEnergy();
  return () => ({
    eventLoopDelay: eventLoop(),
    gc: gc(),
    memory: memory(),
    joules: energy(),
  });
}
