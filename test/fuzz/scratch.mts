import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of this thread, which is deleted at its end. */
export const scratch = mkdtempSync(join(tmpdir(), 'llm2clip-fuzz-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
