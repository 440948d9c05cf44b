import { invalidRange } from '../arguments';
import type { VisionConfig } from '../checkpoint/vision-config';
import { DEFAULT_ENGINE } from '../engines';
import { LLM2CLIPError } from '../errors';
import type { NativePartInfo, PatchesSpec } from '../native';

/** A vision tower as a manifest has it: of an imported engine, only what it shows to the outside. */
export type PatchTower = Pick<VisionConfig, 'imageSize' | 'embeddingDim'> & Partial<VisionConfig>;

/** What is asked for of each patch. */
export interface PatchOutput {
  spec: PatchesSpec;
  /** Rows and columns of the grid, numbers of a patch. */
  shape: readonly [number, number, number];
  /** Numbers of all patches. */
  length: number;
}

function unavailable(why: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected an engine that gives patches, found ${why}`,
  );
}

/** From 0 to `layers`, counted from the end where it is negative. */
function layerOf(layer: number, layers: number): number {
  const found = layer < 0 ? layers + 1 + layer : layer;
  if (found >= 0 && found <= layers) return found;
  throw invalidRange(`an integer from ${-layers - 1} to ${layers}`, 'options.layer', layer);
}

/**
 * @param layer What leaves it: 0 the embedding of the patches, k the k-th block, -1 the last one.
 *   Undefined: each patch in the space of the embeddings.
 * @throws RangeError ERR_INVALID_ARG for a layer that the tower does not have
 * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE
 */
export function patchOutput(
  { imageSize, embeddingDim, patchSize, width, layers }: PatchTower,
  info: NativePartInfo | undefined,
  layer: number | undefined,
): PatchOutput {
  if (!info?.givesPatches || patchSize === undefined || width === undefined || layers === undefined) {
    throw unavailable(
      "one of TensorRT's, one that was imported, or converted by an older llm2clip; convert the " +
        `checkpoint again with \`npx llm2clip convert --engine ${DEFAULT_ENGINE}\``,
    );
  }
  const edge = Math.floor(imageSize / patchSize);
  const spec =
    layer === undefined ? { layer, width: embeddingDim } : { layer: layerOf(layer, layers), width };
  return { spec, shape: [edge, edge, spec.width], length: edge * edge * spec.width };
}
