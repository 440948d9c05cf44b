import { resolve } from 'node:path';
import type { Manifest } from './bundle/manifest';
import { openBundle } from './bundle/open';
import { requireCompatible } from './compatibility';
import { capabilityNumber } from './compute-capability';
import {
  chooseDevice,
  concernsTheDevice,
  type DeviceChoice,
  defaultMaxBatch,
  theCpu,
} from './device';
import { type EngineKind, openEngine } from './engine';
import { fromNative, type NativeEngine, type NativeSession, type SessionSpec } from './native';
import type { Logger, ResolvedLoadOptions } from './options';

/** What really runs. */
export interface ModelInfo {
  bundle: string;
  family: string;
  /** Edge of the square the engine sees, in pixels. */
  imageSize: number;
  embeddingDim: number;
  /** Numbers learned; 0 where an imported engine does not say. */
  parameters: number;
  engine: { kind: string; flavour: string; version: string };
  device: string;
  /** Why this device: the caller's word, or what 'auto' found. */
  deviceReason: string;
  /** Computed in; `storedPrecision` is that of the bundle's weights. */
  precision: string;
  storedPrecision: string;
  threads: number;
  maxBatch: number;
  /** What runs, in words. */
  kernels: readonly string[];
}

export interface LoadedBundle {
  session: NativeSession;
  manifest: Manifest;
  info: ModelInfo;
}

type Wanted = Pick<SessionSpec, 'device' | 'threads' | 'maxBatch' | 'maxQueue' | 'maxDelayMs'>;

/** Beside a bundle lies what TensorRT for RTX compiles of it on this machine: it is never part of it. */
function cacheOf(bundle: string, kind: EngineKind): string {
  return kind === 'tensorrt-rtx' ? `${resolve(bundle)}.jit-cache` : '';
}

function openSession(
  engine: NativeEngine,
  manifest: Manifest,
  file: string,
  cache: string,
  wanted: Wanted,
): Promise<NativeSession> {
  const { preprocessing, model, parts, files } = manifest;
  const digest = files[parts.vision]?.sha256;
  const key = JSON.stringify([digest, preprocessing, engine.version, wanted]);
  const computeCapabilities = manifest.computeCapabilities.map(capabilityNumber);
  const { embeddingDim } = model;
  return fromNative(
    engine.open({
      key,
      file,
      cache,
      computeCapabilities,
      preprocessing,
      embeddingDim,
      ...wanted,
    }),
  );
}

interface Opened {
  choice: DeviceChoice;
  engine: NativeEngine;
  session: NativeSession;
  maxBatch: number;
}

/** What 'auto' chose and cannot be had is not insisted on. */
async function withFallback(
  choice: DeviceChoice,
  logger: Logger,
  open: (choice: DeviceChoice) => Promise<Opened>,
): Promise<Opened> {
  try {
    return await open(choice);
  } catch (error) {
    if (!choice.automatic || choice.device === 'cpu' || !concernsTheDevice(error)) throw error;
    const { code, message } = error;
    logger('warn', `${choice.device} cannot be used, taking the CPU: ${message}`, { code });
    return open(theCpu(message));
  }
}

/** Opens a bundle, checks it, and opens its engine on a thread of its own. */
export async function loadBundle(
  path: string,
  options: ResolvedLoadOptions,
): Promise<LoadedBundle> {
  const bundle = await openBundle(path);
  try {
    const { manifest } = bundle;
    const { kind, flavour } = manifest.engine;
    const { family, imageSize, embeddingDim } = manifest.model;
    const chosen = await chooseDevice(options.device, manifest, options.runtime);
    const { threads, maxQueue, maxDelayMs, logger } = options;
    const { choice, engine, session, maxBatch } = await withFallback(
      chosen,
      logger,
      async (choice) => {
        const { device } = choice;
        const engine = await openEngine(kind, options.runtime, device);
        requireCompatible(manifest, engine.version);
        const file = await bundle.verify(manifest.parts.vision);
        const most = options.maxBatch ?? defaultMaxBatch(device);
        const maxBatch = Math.min(most, manifest.batch.max);
        const wanted = { device, threads, maxBatch, maxQueue, maxDelayMs };
        const session = await openSession(engine, manifest, file, cacheOf(path, kind), wanted);
        return { choice, engine, session, maxBatch };
      },
    );
    const info: ModelInfo = {
      bundle: path,
      family,
      imageSize,
      embeddingDim,
      parameters: manifest.parameters,
      engine: { kind, flavour, version: engine.version },
      device: session.info.device,
      deviceReason: choice.reason,
      precision: session.info.precision || manifest.precision,
      storedPrecision: manifest.precision,
      threads,
      maxBatch,
      kernels: session.info.kernels,
    };
    logger('info', `loaded ${path} on ${info.device} (${choice.reason})`, { ...info });
    return { session, manifest, info };
  } finally {
    await bundle.close();
  }
}
