import { isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { isTooDeep } from '../files/json-depth';

/** The JSON note of a record in an index file; see docs/formats.md. */
export interface Note {
  /** Ids of the record's rows; absent if rows are numbered. */
  ids?: string[];
  /** Ids of earlier rows that this record removes. */
  removed?: string[];
  /** Data of the index's user. */
  extra?: unknown;
}

export function writeNote({ ids, removed, extra }: Note): string {
  const note: Note = {};
  if (ids !== undefined && ids.length > 0) note.ids = ids;
  if (removed !== undefined && removed.length > 0) note.removed = removed;
  if (extra !== undefined) note.extra = extra;
  return Object.keys(note).length === 0 ? '' : JSON.stringify(note);
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/**
 * Parses the note of a record.
 *
 * @throws LLM2CLIPError ERR_INDEX_INVALID if writeNote() cannot have written it for so many rows
 */
export function readNote(text: string, rows: number, path: string): Note {
  try {
    const note: unknown = text === '' ? {} : JSON.parse(text);
    if (!isObject(note) || Array.isArray(note)) throw new Error('not an object');
    const { ids, removed, extra } = note;
    if (ids !== undefined && !(isStrings(ids) && ids.length === rows)) throw new Error('ids');
    if (removed !== undefined && !isStrings(removed)) throw new Error('removed');
    if (isTooDeep(extra)) throw new Error('extra');
    return { ...(ids && { ids }), ...(removed && { removed }), extra };
  } catch (cause) {
    const message = `expected a valid note in a record of ${path}, found other content; make the index again`;
    throw new LLM2CLIPError('ERR_INDEX_INVALID', message, { cause });
  }
}
