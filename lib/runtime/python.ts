import { execFile } from 'node:child_process';
import { dirname, isAbsolute } from 'node:path';
import { promisify } from 'node:util';

/** Enough for an interpreter on a slow network drive. */
const TIMEOUT_MS = 5_000;

/**
 * Python program that finds torch without importing it, which would take seconds. Python runs in
 * isolated mode, so that it imports no file of the current folder. The program adds the user's
 * other package folders after its own imports.
 */
const QUESTION = `
import importlib.metadata, importlib.util, json, os, site, sys
named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
sys.path[:0] = [folder for folder in named if os.path.isabs(folder)]
if not sys.flags.no_site:
    sys.path.append(site.getusersitepackages())
try:
    version = importlib.metadata.version("torch")
    origin = importlib.util.find_spec("torch").origin
except Exception:
    version = origin = None
print(json.dumps({"version": version, "origin": origin}))
`;

export interface PythonTorch {
  version: string;
  /** Site-packages folder that holds `torch/`. */
  folder: string;
}

/**
 * Finds the torch that `python3` would import. Returns a string with the reason if there is none.
 */
export async function findPythonTorch(timeoutMs = TIMEOUT_MS): Promise<PythonTorch | string> {
  try {
    const { stdout } = await promisify(execFile)('python3', ['-I', '-c', QUESTION], {
      cwd: '/',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const answer: unknown = JSON.parse(stdout);
    return isAnswer(answer)
      ? { version: answer.version, folder: dirname(dirname(answer.origin)) }
      : 'python3 has no torch';
  } catch (error) {
    return describeFailure(error, timeoutMs);
  }
}

function isAnswer(value: unknown): value is { version: string; origin: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { version, origin } = value as { version?: unknown; origin?: unknown };
  return typeof version === 'string' && typeof origin === 'string' && isAbsolute(origin);
}

function describeFailure(error: unknown, timeoutMs: number): string {
  const { code, killed } = error as { code?: unknown; killed?: boolean };
  if (code === 'ENOENT') return 'no python3 on PATH';
  if (killed) return `python3 did not answer within ${timeoutMs / 1000} s`;
  return 'python3 could not be asked for torch';
}
