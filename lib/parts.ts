/** What a bundle may hold, each an engine file of its own. */
export const PARTS = ['vision', 'adapter', 'llm'] as const;
export type Part = (typeof PARTS)[number];

/** What a text needs to become an embedding; what a message names first where both are missing. */
export const TEXT_PARTS = ['llm', 'adapter'] as const satisfies readonly Part[];

/** What each is called in messages. */
export const PART_NAMES: Record<Part, string> = {
  vision: 'a vision tower',
  adapter: 'a text adapter',
  llm: 'a language model',
};
