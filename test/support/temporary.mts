import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** Makes an empty folder, which is deleted after this file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'llm2clip-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Runs `body` with environment variables set, or unset if undefined, and then restores the old
 * values.
 */
export async function withEnvironment<T>(
  variables: Record<string, string | undefined>,
  body: () => T | Promise<T>,
): Promise<T> {
  const old = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const assign = (entries: readonly (readonly [string, string | undefined])[]) => {
    for (const [name, value] of entries) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  assign(Object.entries(variables));
  try {
    return await body();
  } finally {
    assign(old);
  }
}
