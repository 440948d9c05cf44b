import { DEFAULT_RESCALE, type Preprocessing } from '../image/preprocessing';

const triple = (numbers: readonly number[]) => numbers.map((x) => String(+x.toFixed(4))).join(' ');

/** Describes the preprocessing and its source as rows of a table. */
export function describePreprocessing(
  { size, resample, mean, std, resize = size, squash, crop, rescale }: Preprocessing,
  source?: string,
): [string, string][] {
  const edges = squash ? `squashed to ${resize} × ${resize}` : `shortest edge to ${resize}`;
  const cropped = squash && resize === size ? '' : `, centre crop of ${size}`;
  const begin = crop === undefined ? '' : ` (${crop})`;
  const scaled = rescale === undefined || rescale === DEFAULT_RESCALE ? '' : `, bytes × ${rescale}`;
  const numbers = `mean ${triple(mean)}, deviation ${triple(std)}${scaled}`;
  return [
    ['images', `${edges}, ${resample}${cropped}${begin}`],
    ['', numbers],
    ...(source === undefined ? [] : [['stated by', source] satisfies [string, string]]),
  ];
}
