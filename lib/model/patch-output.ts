import { invalidRange } from '../arguments';
import type { VisionConfig } from '../checkpoint/vision-config';
import { DEFAULT_ENGINE } from '../engines';
import { LLM2CLIPError } from '../errors';
import type { NativePartInfo, PatchesSpec } from '../native';

/**
 * A vision tower as a manifest describes it. An imported engine shows only its input and output.
 */
export type PatchTower = Pick<VisionConfig, 'imageSize' | 'embeddingDim'> & Partial<VisionConfig>;

/** The requested output of each patch. */
export interface PatchOutput {
  spec: PatchesSpec;
  /** Rows and columns of the grid, and values per patch. */
  shape: readonly [number, number, number];
  /** Number of values of all patches together. */
  length: number;
}

function unavailable(why: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected an engine that gives patches, found ${why}`,
  );
}

/** Converts a layer number to one from 0 to `layers`. Negative numbers count from the end. */
function layerOf(layer: number, layers: number): number {
  const found = layer < 0 ? layers + 1 + layer : layer;
  if (found >= 0 && found <= layers) return found;
  throw invalidRange(`an integer from ${-layers - 1} to ${layers}`, 'options.layer', layer);
}

/**
 * Returns the layer to take patches from, and the shape of its output.
 *
 * @param layer 0 is the patch embedding, k is the k-th block, -1 is the last block. Undefined:
 *   patches in the space of the embeddings.
 * @throws RangeError (ERR_INVALID_ARG) for a layer that the tower does not have
 * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE
 */
export function patchOutput(
  { imageSize, embeddingDim, patchSize, width, layers }: PatchTower,
  info: NativePartInfo | undefined,
  layer: number | undefined,
): PatchOutput {
  if (
    !info?.givesPatches ||
    patchSize === undefined ||
    width === undefined ||
    layers === undefined
  ) {
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
