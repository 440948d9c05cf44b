import { quote } from '../quote';

/** Under which key of a torch file the weights were, and which others hold some; no row without keys. */
export function describeStateDict(key: string, others: readonly string[]): [string, string][] {
  if (key === '') return [];
  const also = others.map(quote).join(', ');
  const choice = others.length === 0 ? '' : `; ${also} too: --state-dict chooses`;
  return [['weights', `under ${quote(key)}${choice}`]];
}
