/** The parts that a bundle may hold. Each has its own engine file. */
export const PARTS = ['vision', 'adapter', 'llm'] as const;
export type Part = (typeof PARTS)[number];

/** The parts that encode a text. If both are missing, a message names the first one. */
export const TEXT_PARTS = ['llm', 'adapter'] as const satisfies readonly Part[];

/** The names of the parts in messages. */
export const PART_NAMES: Record<Part, string> = {
  vision: 'a vision tower',
  adapter: 'a text adapter',
  llm: 'a language model',
};
