import type { Manifest } from './bundle/manifest';
import { openBundle } from './bundle/open';
import { OPERATORS_VERSION, openEngine } from './engine';
import { LLM2CLIPError } from './errors';
import { fromNative, type NativeEngine, type NativeSession, type SessionSpec } from './native';
import type { ResolvedLoadOptions } from './options';

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

function requireOperators({ engine }: Manifest): void {
  if (engine.flavour !== 'native' || engine.operators === OPERATORS_VERSION) return;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected an engine with operators of version ${OPERATORS_VERSION}, found ${engine.operators}; ` +
      'convert the checkpoint again with `npx llm2clip convert --force`',
  );
}

function chooseDevice(wanted: string): Pick<ModelInfo, 'device' | 'deviceReason'> {
  if (wanted !== 'auto') return { device: wanted, deviceReason: 'asked for' };
  return { device: 'cpu', deviceReason: 'auto: this version has no CUDA engine' };
}

type Wanted = Pick<SessionSpec, 'device' | 'threads' | 'maxBatch' | 'maxQueue' | 'maxDelayMs'>;

function openSession(
  engine: NativeEngine,
  { preprocessing, model, parts, files }: Manifest,
  file: string,
  wanted: Wanted,
): Promise<NativeSession> {
  const digest = files[parts.vision]?.sha256;
  const key = JSON.stringify([digest, preprocessing, engine.version, wanted]);
  const { embeddingDim } = model;
  return fromNative(engine.open({ key, file, preprocessing, embeddingDim, ...wanted }));
}

/** Opens a bundle, checks it, and opens its engine on a thread of its own. */
export async function loadBundle(
  path: string,
  options: ResolvedLoadOptions,
): Promise<LoadedBundle> {
  const { device, deviceReason } = chooseDevice(options.device);
  const bundle = await openBundle(path);
  try {
    const { manifest } = bundle;
    const { kind, flavour } = manifest.engine;
    const { family, imageSize, embeddingDim } = manifest.model;
    requireOperators(manifest);
    const engine = await openEngine(kind, options.runtime);
    const file = await bundle.verify(manifest.parts.vision);
    const { threads, maxQueue, maxDelayMs } = options;
    const maxBatch = Math.min(options.maxBatch, manifest.batch.max);
    const wanted = { device, threads, maxBatch, maxQueue, maxDelayMs };
    const session = await openSession(engine, manifest, file, wanted);
    const info: ModelInfo = {
      bundle: path,
      family,
      imageSize,
      embeddingDim,
      parameters: manifest.parameters,
      engine: { kind, flavour, version: engine.version },
      device: session.info.device,
      deviceReason,
      precision: session.info.precision || manifest.precision,
      storedPrecision: manifest.precision,
      threads,
      maxBatch,
      kernels: session.info.kernels,
    };
    options.logger('info', `loaded ${path} on ${info.device} (${deviceReason})`, { ...info });
    return { session, manifest, info };
  } finally {
    await bundle.close();
  }
}
