import { quote } from '../quote';

/**
 * Describes as a table row which key of a torch file the weights were under, and which other keys
 * hold weights. Without a key there is no row.
 */
export function describeStateDict(key: string, others: readonly string[]): [string, string][] {
  if (key === '') return [];
  const also = others.map(quote).join(', ');
  const choice = others.length === 0 ? '' : `; also found: ${also} (choose with --state-dict)`;
  return [['weights', `under ${quote(key)}${choice}`]];
}
