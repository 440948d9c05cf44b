import { invalidRange, optionalInteger, optionalOneOf, optionsBag } from '../arguments';
import { type ResolvedEncodeOptions, resolveEncodeOptions } from '../options';
import { ENCODE_OPTIONS } from './encode-options';
import type { PatchOutput } from './patch-output';

const MOST_LAYERS = 1024;
const IMAGE_OUTPUTS = ['embedding', 'patches'] as const;

/** The requested output of an image: its embedding, or the patches of a layer. */
export type ImageOutput = { patches: false } | { patches: true; layer: number | undefined };

export function imageOutput(value: unknown, known: readonly string[]): ImageOutput {
  const { output, layer } = optionsBag(value, 'options', known);
  if (optionalOneOf(output, 'options.output', 'embedding', IMAGE_OUTPUTS) === 'patches') {
    return { patches: true, layer: optionalLayer(layer) };
  }
  if (layer === undefined) return { patches: false };
  throw invalidRange("nothing without output: 'patches'", 'options.layer', layer);
}

function optionalLayer(layer: unknown): number | undefined {
  if (layer === undefined) return undefined;
  return optionalInteger(layer, 'options.layer', 0, [-MOST_LAYERS, MOST_LAYERS]);
}

/**
 * Refuses patches in calls for many images, because they would hold the patches of all images at
 * once.
 */
export function requireEmbeddings(value: unknown, known: readonly string[]): void {
  if (!imageOutput(value, known).patches) return;
  throw invalidRange("'embedding'; encodeImage gives patches", 'options.output', 'patches');
}

/** Resolves the options of a call for patches. Hidden states are not normalised by default. */
export function resolvePatchOptions(
  value: unknown,
  { spec, length }: PatchOutput,
): ResolvedEncodeOptions {
  const options = optionsBag(value, 'options', ENCODE_OPTIONS.image);
  const { normalize = spec.layer === undefined } = options;
  return resolveEncodeOptions({ ...options, normalize }, length, ENCODE_OPTIONS.image);
}
