import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { countEnergy } from './energy';

/** Sampling intervals in milliseconds. Each sample wakes the measured process, so they are rare. */
const LOOP_MS = 20;
const MEMORY_MS = 500;

/** Measurements of the measured process during a run. */
export interface Observed {
  /** Delay of a timer that was due every 20 ms, in milliseconds. */
  eventLoopDelay: { p99: number; max: number };
  /** Garbage collections: their number, and their total and longest time in milliseconds. */
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

/** Reads this process's peak memory from the kernel. getrusage() may report that of the parent. */
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

/**
 * Starts to observe this process. The returned function stops that and returns the measurements.
 */
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
