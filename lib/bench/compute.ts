import type { Manifest } from '../bundle/manifest';
import { familyOf } from '../checkpoint/layouts/families';
import type { VisionConfig } from '../checkpoint/vision-config';
import type { NativeEngine } from '../native';
import { PRECISIONS } from '../precision';

/** A linear layer of a tower: x [rows, in] · [in, out], `times` per image. */
interface Layer {
  rows: number;
  in: number;
  out: number;
  times: number;
}

/** Whether the architecture is known; an imported engine does not state it. */
export function isWhole(model: Manifest['model']): model is VisionConfig {
  return model?.layers !== undefined;
}

function tokensOf({ family, imageSize, patchSize }: VisionConfig): number {
  return (imageSize / patchSize) ** 2 + familyOf(family).classTokens;
}

/** Lists the linear layers of a tower, including the patch embedding. */
function linears(model: VisionConfig): Layer[] {
  const { width, hidden, layers, patchSize, embeddingDim, activation } = model;
  const rows = tokensOf(model);
  const gates = activation === 'swiglu' ? 2 : 1;
  return [
    { rows, in: 3 * patchSize ** 2, out: width, times: 1 },
    { rows, in: width, out: 3 * width, times: layers },
    { rows, in: width, out: width, times: layers },
    { rows, in: width, out: gates * hidden, times: layers },
    { rows, in: hidden, out: width, times: layers },
    { rows: 1, in: width, out: embeddingDim, times: 1 },
  ];
}

/**
 * Returns the operations per image, in 10⁹, of the linear layers and the two products of attention.
 * A multiplication and an addition count as two operations.
 */
export function gflopPerPicture(model: VisionConfig): number {
  const products = linears(model).map(
    (layer) => 2 * layer.rows * layer.in * layer.out * layer.times,
  );
  const attention = 4 * tokensOf(model) ** 2 * model.width * model.layers;
  return (products.reduce((sum, x) => sum + x, 0) + attention) / 1e9;
}

const SECONDS_A_LAYER = 0.3;

/**
 * Measures the speed of the fastest of this model's linear layers in the engine, with weights
 * stored in this precision, in 10⁹ operations per second.
 */
export async function peakGflops(
  engine: Pick<NativeEngine, 'linearGflops'>,
  model: VisionConfig,
  precision: string,
  threads: number,
): Promise<number | null> {
  const known = PRECISIONS.find((one) => one === precision);
  if (known === undefined) return null;
  let peak = 0;
  for (const layer of linears(model).filter(({ times }) => times > 1)) {
    const shape = { rows: layer.rows, in: layer.in, out: layer.out };
    const spec = { ...shape, precision: known, threads, seconds: SECONDS_A_LAYER };
    peak = Math.max(peak, await engine.linearGflops(spec));
  }
  return peak;
}
