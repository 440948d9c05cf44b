import { LLM2CLIPError } from '../errors';
import type { Dimensions } from './layouts/dimensions';
import { type Family, familyOf } from './layouts/families';
import type { Activation, VisionFamily } from './layouts/layout';
import type { Stated, StatedConfig } from './stated-config';
import type { VisionConfig } from './vision-config';

/**
 * Determines the configuration of a tower from the shapes of its weights. The configuration file
 * supplies what shapes do not reveal, and must agree with them otherwise.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_MISMATCH
 */
export function inferConfig(
  family: Family,
  dimensions: Dimensions,
  layers: number,
  stated: StatedConfig,
): VisionConfig {
  const width = dimensions.D.size;
  const patchSize = dimensions.P.size;
  const defaults = familyOf(family);
  const config: VisionConfig = {
    family,
    imageSize: gridOf(dimensions.N.size, defaults.classTokens) * patchSize,
    patchSize,
    width,
    layers,
    heads: headsOf(defaults, width, stated),
    hidden: dimensions.H.size,
    // A family without a projection has no such dimension.
    embeddingDim: dimensions.E.size || width,
    activation: activationOf(defaults, stated),
    layerNormEps: stated.layerNormEps?.value ?? defaults.layerNormEps,
    ropeGrid: defaults.ropeGrid && (stated.ropeGrid?.value ?? defaults.ropeGrid),
  };
  checkStated(config, stated);
  return config;
}

function gridOf(positions: number, classTokens: number): number {
  const grid = Math.sqrt(positions - classTokens);
  if (Number.isInteger(grid) && grid > 0) return grid;
  throw mismatch(
    `the position embedding has ${positions} rows, expected a square number` +
      `${classTokens === 0 ? '' : ' and one for the class token'}`,
  );
}

function headsOf(
  { headDims, headsByWidth }: VisionFamily,
  width: number,
  stated: StatedConfig,
): number {
  const known = headsByWidth?.[width];
  const byWidth = headDims.map((headDim) => width / headDim).find(Number.isInteger);
  const byHeadDim = stated.headDim && width / stated.headDim.value;
  const heads = stated.heads?.value ?? byHeadDim ?? known ?? byWidth;
  if (heads !== undefined && Number.isInteger(heads) && width % heads === 0) return heads;
  const found = stated.heads ?? stated.headDim;
  throw mismatch(
    found === undefined
      ? `the number of heads cannot be inferred from a width of ${width}; state "num_attention_heads" in --config`
      : `the configuration says "${found.key}" is ${found.value}, which does not divide the width ${width}`,
  );
}

/**
 * Returns the activation. The weights show a gated MLP; configurations of such towers may name
 * another activation.
 */
function activationOf({ activation }: VisionFamily, stated: StatedConfig): Activation {
  if (activation === 'swiglu' || stated.activation === undefined) return activation;
  if (stated.activation !== 'swiglu') return stated.activation;
  throw mismatch('the configuration names a gated activation, the weights have a plain MLP');
}

function checkStated(config: VisionConfig, stated: StatedConfig): void {
  check(stated.width, config.width);
  check(stated.layers, config.layers);
  check(stated.patchSize, config.patchSize);
  check(stated.imageSize, config.imageSize);
  // SwiGLU's hidden width is two thirds of a plain MLP's. Some configurations state the latter.
  const gated = config.activation === 'swiglu' ? 2 / 3 : 1;
  check(stated.hidden, config.hidden, (value) => [value, Math.trunc(value * gated)]);
  check(stated.mlpRatio, config.hidden, (ratio) =>
    [ratio, ratio * gated].map((factor) => Math.trunc(config.width * factor)),
  );
  const right = stated.embeddingDims.some(({ value }) => value === config.embeddingDim);
  if (!right) check(stated.embeddingDims[0], config.embeddingDim);
}

function check(
  stated: Stated | undefined,
  found: number,
  allowed: (value: number) => number[] = (value) => [value],
): void {
  if (stated === undefined || allowed(stated.value).includes(found)) return;
  throw mismatch(
    `the configuration contradicts the weights: "${stated.key}" is ${stated.value}, ` +
      `the weights' shapes say ${found}; state the right one in --config`,
  );
}

function mismatch(problem: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', problem);
}
