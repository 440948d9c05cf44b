// What a model reports about itself: the loaded parts and what they run on.
import type { Manifest } from '../bundle/manifest';
import type { DeviceChoice } from '../engines/device';
import { LLM2CLIPError } from '../errors';
import type { NativeEngine, NativePartInfo } from '../native';
import type { ResolvedLoadOptions } from '../options';
import { PARTS, type Part } from '../parts';
import type { VisionPart } from './image-side';
import type { TextPart } from './text-side';

/** What one part runs on. */
export interface PartInfo {
  device: string;
  /**
   * The precision of the arithmetic. For an imported engine, the coarsest precision of its matrix
   * products when it was imported. For an imported TensorRT plan, which does not show it, what the
   * caller stated, or 'unknown'.
   */
  precision: string;
  /** The precision of the bundle's weights. For an imported engine, the same as `precision`. */
  storedPrecision: string;
  /** The kernels that run, in words. */
  kernels: readonly string[];
}

/** What really runs. */
export interface ModelInfo extends PartInfo {
  bundle: string;
  /**
   * The loaded parts. Without 'vision', device, precision and kernels are those of the text side.
   */
  parts: readonly Part[];
  /** Family of the vision tower, or "llama" or "adapter" if there is none. */
  family: string;
  /** Width and height of the image that the vision tower sees, in pixels; 0 without a tower. */
  imageSize: number;
  /** Length of an embedding or, if only a language model is loaded, of its features. */
  embeddingDim: number;
  /** Number of learned parameters; 0 if an imported engine does not show it. */
  parameters: number;
  engine: { kind: string; flavour: string; version: string };
  /** Why this device was chosen: the caller asked for it, or 'auto' found it. */
  deviceReason: string;
  threads: number;
  maxBatch: number;
  /** The text side, if it is loaded. `width` is the length of a language model's feature. */
  text?: {
    adapter?: PartInfo & { width: number };
    llm?: PartInfo & { width: number; maxTokens: number };
  };
}

/** The open parts of a bundle and the engines that run them. */
export interface OpenedParts {
  vision: VisionPart | undefined;
  text: TextPart | undefined;
  choice: DeviceChoice;
  engine: NativeEngine;
  maxBatch: number;
}

function partInfo(info: NativePartInfo, storedPrecision: string): PartInfo {
  const { device, precision, kernels } = info;
  return { device, precision: precision || storedPrecision, storedPrecision, kernels };
}

function textInfo({ text: said }: Manifest, text: TextPart): NonNullable<ModelInfo['text']> {
  const { adapter, llm } = text.requests.session.info;
  return {
    ...(adapter &&
      text.adapter && {
        adapter: { ...partInfo(adapter, said?.adapter?.precision ?? ''), ...text.adapter },
      }),
    ...(llm &&
      text.llm && {
        llm: {
          ...partInfo(llm, said?.llm?.precision ?? ''),
          width: text.llm.width,
          maxTokens: said?.llm?.model.maxTokens ?? 0,
        },
      }),
  };
}

/** Returns the info of the vision tower or, without one, of the text side. */
function firstInfo({ vision, text }: Pick<OpenedParts, 'vision' | 'text'>): NativePartInfo {
  const { adapter, llm } = text?.requests.session.info ?? {};
  const info = vision?.requests.session.info.vision ?? adapter ?? llm;
  if (info === undefined) throw new LLM2CLIPError('ERR_INTERNAL', 'no part was opened');
  return info;
}

export function infoOf(
  path: string,
  manifest: Manifest,
  { choice, engine, vision, text, maxBatch }: OpenedParts,
  { threads }: ResolvedLoadOptions,
): ModelInfo {
  const { model, precision } = manifest;
  const { kind, flavour } = manifest.engine;
  return {
    ...partInfo(firstInfo({ vision, text }), precision),
    bundle: path,
    parts: PARTS.filter((part) => ({ vision, ...text })[part] !== undefined),
    family: (vision && model?.family) ?? (text?.llm ? 'llama' : 'adapter'),
    imageSize: vision?.preprocessing.size ?? 0,
    embeddingDim: embeddingDimOf(manifest, { vision, text }),
    parameters: manifest.parameters,
    engine: { kind, flavour, version: engine.version },
    deviceReason: choice.reason,
    threads,
    maxBatch,
    ...(text && { text: textInfo(manifest, text) }),
  };
}

function embeddingDimOf(
  { model, text: said }: Manifest,
  { vision, text }: Pick<OpenedParts, 'vision' | 'text'>,
): number {
  if (vision !== undefined && model !== undefined) return model.embeddingDim;
  return (text?.adapter && said?.adapter?.model.embeddingDim) ?? text?.llm?.width ?? 0;
}
