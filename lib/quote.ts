const LONGEST = 200;

/** A name out of an untrusted file, fit for an error message: escaped, quoted and cut. */
export function quote(name: string): string {
  return JSON.stringify(name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name);
}
