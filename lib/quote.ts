const LONGEST = 200;

/** Escapes, quotes and shortens a name from an untrusted file for an error message. */
export function quote(name: string): string {
  return JSON.stringify(name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name);
}
