import type { Manifest } from '../bundle/manifest';
import { openBundle } from '../bundle/open';
import { engineOf, openEngine } from '../engines';
import { concernsTheDevice, type DeviceChoice, theCpu } from '../engines/device';
import { LLM2CLIPError } from '../errors';
import type { Logger, ResolvedLoadOptions } from '../options';
import { PART_NAMES, PARTS, type Part, TEXT_PARTS } from '../parts';
import type { VectorCache } from '../text/vector-cache';
import type { VisionPart } from './image-side';
import { maxBatchOf, openText, openVision, type Source } from './load-parts';
import { infoOf, type ModelInfo, type OpenedParts } from './model-info';
import { openTextCache } from './text-cache';
import type { TextPart } from './text-side';

export interface LoadedBundle {
  manifest: Manifest;
  info: ModelInfo;
  vision: VisionPart | undefined;
  text: TextPart | undefined;
  textCache: VectorCache | undefined;
}

/** Opens parts on the chosen device. If 'auto' chose it and it is unavailable, the CPU is used. */
async function withFallback<T>(
  choice: DeviceChoice,
  logger: Logger,
  what: string,
  open: (choice: DeviceChoice) => Promise<T>,
): Promise<T> {
  try {
    return await open(choice);
  } catch (error) {
    if (!choice.automatic || choice.device === 'cpu' || !concernsTheDevice(error)) throw error;
    const { code, message } = error;
    const warning = `${choice.device} cannot be used for ${what}, taking the CPU: ${message}`;
    logger('warn', warning, { code });
    return open(theCpu(message));
  }
}

/** Returns the parts of the bundle, or the requested ones. */
function partsOf({ parts }: Manifest, wanted: readonly Part[] | undefined): Part[] {
  const present = PARTS.filter((part) => parts[part] !== undefined);
  const missing = wanted?.find((part) => !present.includes(part));
  if (missing === undefined) return present.filter((part) => wanted?.includes(part) ?? true);
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected a bundle with ${PART_NAMES[missing]}, found ${present.join(', ')}; ` +
      (missing === 'llm' ? 'convert with --llm FOLDER' : 'convert a checkpoint that holds one'),
  );
}

/**
 * Opens the vision tower, then the text side. If the text side cannot be opened, the tower is
 * closed again.
 */
async function openParts(
  parts: readonly Part[],
  choice: DeviceChoice,
  rest: Omit<Source, 'engine' | 'device'>,
): Promise<OpenedParts> {
  const { bundle, options } = rest;
  const { device } = choice;
  const built = bundle.manifest.engine;
  const engine = await openEngine(built.kind, options.runtime, device);
  engineOf(built.kind).requireCompatible(built, engine.version);
  const source = { ...rest, engine, device };
  const vision = parts.includes('vision') ? await openVision(source) : undefined;
  const openTextOn = ({ device }: DeviceChoice) => openText({ ...source, device }, parts);
  try {
    const text = TEXT_PARTS.some((part) => parts.includes(part))
      ? // There may be no room for a language model beside the tower, which stays on its device.
        await (vision === undefined
          ? openTextOn(choice)
          : withFallback(choice, options.logger, 'texts', openTextOn))
      : undefined;
    return { choice, engine, vision, text, maxBatch: maxBatchOf(source) };
  } catch (error) {
    await vision?.requests.close();
    throw error;
  }
}

/** Opens and checks a bundle, and opens the engine of each part on threads of its own. */
export async function loadBundle(
  path: string,
  options: ResolvedLoadOptions,
): Promise<LoadedBundle> {
  const bundle = await openBundle(path);
  try {
    const { manifest } = bundle;
    const parts = partsOf(manifest, options.parts);
    const { device: wanted, logger, runtime } = options;
    const { engine, precision } = manifest;
    const request = { wanted, parts, precision, runtime };
    const chosen = await engineOf(engine.kind).chooseDevice(request);
    const opened = await withFallback(chosen, logger, 'this bundle', (choice) =>
      openParts(parts, choice, { path, bundle, options }),
    );
    const info = infoOf(path, manifest, opened, options);
    logger('info', `loaded ${path} on ${info.device} (${info.deviceReason})`, { ...info });
    const textCache = await openTextCache(manifest, opened.text, options);
    return { manifest, info, vision: opened.vision, text: opened.text, textCache };
  } finally {
    await bundle.close();
  }
}
