/** An object of a configuration, whose fields may be anything. */
export type Section = Readonly<Record<string, unknown>>;

export function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined for whatever else stands there. */
export function sectionOf(value: unknown): Section | undefined {
  return isSection(value) ? value : undefined;
}
