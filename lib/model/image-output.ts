import { invalidRange, optionalInteger, optionalOneOf, optionsBag } from '../arguments';
import { type ResolvedEncodeOptions, resolveEncodeOptions } from '../options';
import { ENCODE_OPTIONS } from './encode-options';
import type { PatchOutput } from './patch-output';

const MOST_LAYERS = 1024;
const IMAGE_OUTPUTS = ['embedding', 'patches'] as const;

/** The requested output for an image; for patches, also the layer. */
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

/** Refuses patches in calls for many images, because all of them would be in memory at once. */
export function requireEmbeddings(value: unknown, known: readonly string[]): void {
  if (!imageOutput(value, known).patches) return;
  throw invalidRange("'embedding'; encodeImage gives patches", 'options.output', 'patches');
}

/** Checks the options for patches. Hidden states are not normalised unless that is requested. */
export function resolvePatchOptions(
  value: unknown,
  { spec, length }: PatchOutput,
): ResolvedEncodeOptions {
  const options = optionsBag(value, 'options', ENCODE_OPTIONS.image);
  const { normalize = spec.layer === undefined } = options;
  return resolveEncodeOptions({ ...options, normalize }, length, ENCODE_OPTIONS.image);
}
