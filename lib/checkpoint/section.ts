/** An object in a configuration, whose fields have not been checked. */
export type Section = Readonly<Record<string, unknown>>;

export function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the value if it is an object, else undefined. */
export function sectionOf(value: unknown): Section | undefined {
  return isSection(value) ? value : undefined;
}
