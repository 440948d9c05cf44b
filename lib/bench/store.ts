import { readFile } from 'node:fs/promises';
import { LLM2CLIPError } from '../errors';
import { AtomicFile } from '../files/atomic-file';
import { type Report, SCHEMA_VERSION } from './record';

/**
 * Writes a text file atomically.
 *
 * @throws LLM2CLIPError ERR_IO
 */
export async function writeText(path: string, text: string): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    await file.append(Buffer.from(text));
    await file.commit();
  } finally {
    await file.discard();
  }
}

export async function writeReport(path: string, report: Report): Promise<void> {
  await writeText(path, `${JSON.stringify(report, null, 2)}\n`);
}

/**
 * Reads a benchmark's record.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO; ERR_INVALID_ARG for a file of another kind or
 *   version
 */
export async function readReport(path: string): Promise<Report> {
  const report = parse(path, await readFile(path, 'utf8').catch((error) => refuse(path, error)));
  const { schemaVersion, runs, comparisons } = report as Partial<Report>;
  if (schemaVersion !== SCHEMA_VERSION || !Array.isArray(runs) || !Array.isArray(comparisons)) {
    throw notAReport(path, `found schemaVersion ${JSON.stringify(schemaVersion)}`);
  }
  return report as Report;
}

function refuse(path: string, error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT') {
    throw new LLM2CLIPError('ERR_NOT_FOUND', `expected a record at ${path}, found nothing there`);
  }
  throw new LLM2CLIPError('ERR_IO', `cannot read ${path}: ${error.message}`);
}

function parse(path: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // The error below reports it.
  }
  throw notAReport(path, 'found other content');
}

function notAReport(path: string, found: string): RangeError {
  const expected = `a benchmark's record of schema version ${SCHEMA_VERSION}`;
  return Object.assign(new RangeError(`expected ${expected} in ${path}, ${found}`), {
    code: 'ERR_INVALID_ARG',
  });
}
