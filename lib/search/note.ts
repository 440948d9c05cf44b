import { isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { isTooDeep } from '../files/json-depth';

/** What a record of an index file says beside its rows: JSON, see docs/formats.md. */
export interface Note {
  /** Of the record's rows; absent where rows are numbered. */
  ids?: string[];
  /** Of earlier rows, which are removed. */
  removed?: string[];
  /** Of whoever uses the index. */
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

/** ERR_INDEX_INVALID for what writeNote() cannot have written for so many rows. */
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
    const message = `expected a record's note in ${path}, found another text; make the index again`;
    throw new LLM2CLIPError('ERR_INDEX_INVALID', message, { cause });
  }
}
