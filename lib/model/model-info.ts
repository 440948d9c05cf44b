// What a model says of itself: what was loaded, and what it runs on.
import type { Manifest } from '../bundle/manifest';
import type { DeviceChoice } from '../engines/device';
import { LLM2CLIPError } from '../errors';
import type { NativeEngine } from '../native';
import type { ResolvedLoadOptions } from '../options';
import { PARTS, type Part } from '../parts';
import type { VisionPart } from './image-side';
import type { Requests } from './requests';
import type { TextParts } from './text-side';

/** What one part runs on. */
export interface PartInfo {
  device: string;
  /**
   * What it computes in. Of an imported engine, the coarsest that it multiplied matrices in when it
   * was imported; 'unknown' of an imported TensorRT plan, which does not show it, unless the caller
   * said it.
   */
  precision: string;
  /** What the bundle's weights are stored in; of an imported engine as `precision`. */
  storedPrecision: string;
  /** What runs, in words. */
  kernels: readonly string[];
}

/** What really runs. */
export interface ModelInfo extends PartInfo {
  bundle: string;
  /** Those that are loaded; without 'vision', device, precision and kernels are the text side's. */
  parts: readonly Part[];
  /** Of the vision tower; "llama" or "adapter" without one. */
  family: string;
  /** Edge of the square the vision tower sees, in pixels; 0 without one. */
  imageSize: number;
  /** Numbers of an embedding; of a language model alone, of its features. */
  embeddingDim: number;
  /** Numbers learned; 0 where an imported engine does not say. */
  parameters: number;
  engine: { kind: string; flavour: string; version: string };
  /** Why this device: the caller's word, or what 'auto' found. */
  deviceReason: string;
  threads: number;
  maxBatch: number;
  /** The text side, where it is loaded. `width`: numbers of a language model's feature. */
  text?: {
    adapter?: PartInfo & { width: number };
    llm?: PartInfo & { width: number; maxTokens: number };
  };
}

/** The parts of a bundle that are open, and what runs them. */
export interface OpenedParts {
  vision: VisionPart | undefined;
  text: TextParts;
  choice: DeviceChoice;
  engine: NativeEngine;
  maxBatch: number;
}

function partInfo({ session }: Requests, storedPrecision: string): PartInfo {
  const { device, precision, kernels } = session.info;
  return { device, precision: precision || storedPrecision, storedPrecision, kernels };
}

function textInfo(manifest: Manifest, { adapter, llm }: TextParts): ModelInfo['text'] {
  const said = manifest.text;
  return {
    ...(adapter && {
      adapter: {
        ...partInfo(adapter.requests, said?.adapter?.precision ?? ''),
        width: adapter.width,
      },
    }),
    ...(llm && {
      llm: {
        ...partInfo(llm.requests, said?.llm?.precision ?? ''),
        width: llm.width,
        maxTokens: said?.llm?.model.maxTokens ?? 0,
      },
    }),
  };
}

export function infoOf(
  path: string,
  manifest: Manifest,
  { choice, engine, vision, text, maxBatch }: OpenedParts,
  { threads }: ResolvedLoadOptions,
): ModelInfo {
  const { model, precision } = manifest;
  const { kind, flavour } = manifest.engine;
  const first = vision ?? text.adapter ?? text.llm;
  if (first === undefined) throw new LLM2CLIPError('ERR_INTERNAL', 'no part was opened');
  return {
    ...partInfo(first.requests, precision),
    bundle: path,
    parts: PARTS.filter((part) => ({ vision, ...text })[part] !== undefined),
    family: (vision && model?.family) ?? (text.llm ? 'llama' : 'adapter'),
    imageSize: vision?.preprocessing.size ?? 0,
    embeddingDim: embeddingDimOf(manifest, { vision, text }),
    parameters: manifest.parameters,
    engine: { kind, flavour, version: engine.version },
    deviceReason: choice.reason,
    threads,
    maxBatch,
    ...((text.adapter || text.llm) && { text: textInfo(manifest, text) ?? {} }),
  };
}

function embeddingDimOf(
  { model, text: said }: Manifest,
  { vision, text }: Pick<OpenedParts, 'vision' | 'text'>,
): number {
  if (vision !== undefined && model !== undefined) return model.embeddingDim;
  return (text.adapter && said?.adapter?.model.embeddingDim) ?? text.llm?.width ?? 0;
}
