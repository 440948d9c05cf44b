import { invalidRange } from '../arguments';
import type { VisionConfig } from '../checkpoint/vision-config';
import { DEFAULT_ENGINE } from '../engines';
import { LLM2CLIPError } from '../errors';
import type { NativeSession, PatchesSpec } from '../native';

/** A vision tower in a manifest, which for an imported engine has only a few fields. */
export type PatchTower = Pick<VisionConfig, 'imageSize' | 'embeddingDim'> & Partial<VisionConfig>;

/** What is asked for of each patch. */
export interface PatchOutput {
  spec: PatchesSpec;
  /** Rows and columns of the grid, and the length of a patch's vector. */
  shape: readonly [number, number, number];
  /** Total length of all vectors. */
  length: number;
}

function unavailable(why: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected an engine that gives patches, found ${why}`,
  );
}

/** Converts a layer to a number from 0 to `layers`. Negative layers count from the end. */
function layerOf(layer: number, layers: number): number {
  const found = layer < 0 ? layers + 1 + layer : layer;
  if (found >= 0 && found <= layers) return found;
  throw invalidRange(`an integer from ${-layers - 1} to ${layers}`, 'options.layer', layer);
}

/**
 * Determines the shape of the patches that a layer gives.
 *
 * @param layer 0 is the patch embedding, k the k-th block, -1 the last block. If undefined, each
 *   patch is in the space of the embeddings.
 * @throws RangeError ERR_INVALID_ARG for a layer that the tower does not have
 * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE
 */
export function patchOutput(
  { imageSize, embeddingDim, patchSize, width, layers }: PatchTower,
  { givesPatches }: NativeSession['info'],
  layer: number | undefined,
): PatchOutput {
  if (!givesPatches || patchSize === undefined || width === undefined || layers === undefined) {
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
