// All families of vision towers. To add one, add a table to this folder, an entry to the list
// below, and its network to csrc/model.
import { CLIP_VIT } from './clip-vit';
import { EVA02 } from './eva02';
import type { VisionFamily } from './layout';
import { SIGLIP2 } from './siglip2';

const TABLES = [EVA02, CLIP_VIT, SIGLIP2] as const;

export type Family = (typeof TABLES)[number]['family'];
export const FAMILIES: readonly Family[] = TABLES.map(({ family }) => family);

export const FAMILY_TABLES: readonly VisionFamily<Family>[] = TABLES;

export function familyOf(family: Family): VisionFamily {
  return FAMILY_TABLES.find((table) => table.family === family) as VisionFamily;
}
