import type { Manifest } from '../bundle/manifest';
import { openBundle } from '../bundle/open';
import { engineOf, openEngine } from '../engines';
import { concernsTheDevice, type DeviceChoice, theCpu } from '../engines/device';
import { LLM2CLIPError } from '../errors';
import type { Logger, ResolvedLoadOptions } from '../options';
import { PART_NAMES, PARTS, type Part } from '../parts';
import type { VectorCache } from '../text/vector-cache';
import type { VisionPart } from './image-side';
import { maxBatchOf, openAdapter, openLlm, openVision, type Source } from './load-parts';
import { infoOf, type ModelInfo, type OpenedParts } from './model-info';
import type { Requests } from './requests';
import { openTextCache } from './text-cache';
import type { TextParts } from './text-side';

export interface LoadedBundle {
  manifest: Manifest;
  info: ModelInfo;
  vision: VisionPart | undefined;
  text: TextParts;
  textCache: VectorCache | undefined;
}

/** What 'auto' chose and cannot be had is not insisted on. */
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

/** Those of the bundle, or those of them that are asked for. */
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

/** Opens part after part; where one cannot be opened, those before it are closed again. */
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
  const opened: Requests[] = [];
  const keep = <T extends { requests: Requests }>(part: T): T => {
    opened.push(part.requests);
    return part;
  };
  try {
    const vision = parts.includes('vision') ? keep(await openVision(source)) : undefined;
    // A language model may find no room beside a vision tower, which stays where it is.
    const openText = <T>(open: (source: Source) => Promise<T>): Promise<T> =>
      vision === undefined
        ? open(source)
        : withFallback(choice, options.logger, 'texts', ({ device }) =>
            open({ ...source, device }),
          );
    const adapter = parts.includes('adapter') && keep(await openText(openAdapter));
    const llm = parts.includes('llm') && keep(await openText(openLlm));
    const text = { ...(adapter && { adapter }), ...(llm && { llm }) };
    return { choice, engine, vision, text, maxBatch: maxBatchOf(source) };
  } catch (error) {
    await Promise.all(opened.map((requests) => requests.close()));
    throw error;
  }
}

/** Opens a bundle, checks it, and opens the engine of each part on threads of its own. */
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
