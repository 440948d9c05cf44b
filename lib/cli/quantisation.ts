import type { Quantisation } from '../bundle/quantisation';
import { formatCosine } from '../eval/parity';

/**
 * Describes the result of a calibration as rows of a table, with one row per layer kept in bf16.
 */
export function describeQuantisation(found: Quantisation): [string, string][] {
  const { pictures: images, gate, allInt8MinCosine, minCosine, layers } = found;
  const kept = layers.filter(({ precision }) => precision === 'bf16');
  const verdict = minCosine >= gate ? 'at least' : 'FAILED, expected';
  return [
    ['calibrated', `on ${images} image${images === 1 ? '' : 's'}`],
    [
      'least cosine',
      `${formatCosine(minCosine)} to fp32 (${verdict} ${gate}); ` +
        `${formatCosine(allInt8MinCosine)} with every layer in int8`,
    ],
    [
      'in bf16',
      `${kept.length} of ${layers.length} layers${kept.length > 0 ? ', cosine of their output in int8:' : ''}`,
    ],
    ...kept.map(({ name, cosine }): [string, string] => [`  ${name}`, formatCosine(cosine)]),
  ];
}
