// The tools that building the project needs on PATH.
import { capture, which } from './command.mjs';

const PYTHON_QUESTION =
  'import sys, pip; print("{}.{}".format(*sys.version_info), "with pip", pip.__version__)';

/** The compiler that CMake uses. CXX names another one. */
export const COMPILER = process.env.CXX || 'g++';

const TOOLS = [
  {
    wanted: 'g++ 12 or newer',
    minimum: [12, 0],
    ask: [COMPILER, '-dumpfullversion', '-dumpversion'],
  },
  { wanted: 'CMake 3.22 or newer', minimum: [3, 22], ask: ['cmake', '--version'] },
  {
    wanted: 'Python 3.9 or newer with pip',
    minimum: [3, 9],
    ask: ['python3', '-c', PYTHON_QUESTION],
  },
];

/**
 * Returns one sentence with every tool that is missing or too old, or undefined when there is none.
 */
export async function findMissingTools() {
  const problems = await Promise.all(TOOLS.map(inspect));
  if (!which('ninja') && !which('make')) problems.push('ninja or make (found neither)');
  const missing = problems.filter((problem) => problem !== undefined);
  return missing.length > 0 ? `missing: ${missing.join('; ')}` : undefined;
}

async function inspect({ wanted, minimum, ask }) {
  const [program, ...args] = ask;
  const answer = await capture(program, args).catch((error) => error);
  if (answer instanceof Error) {
    return `${wanted} (${which(program) ? `${program} does not work` : `no ${program} found`})`;
  }
  const [found] = /\d+(\.\d+)*/.exec(answer) ?? ['unknown'];
  return isAtLeast(found, minimum) ? undefined : `${wanted} (found ${found})`;
}

/** Returns a message when Node is too old, or undefined. */
export function describeOldNode(version = process.versions.node) {
  return isAtLeast(version, [20, 19])
    ? undefined
    : `missing: Node.js 20.19 or newer (found ${version})`;
}

function isAtLeast(version, [wantedMajor, wantedMinor]) {
  const [major, minor = 0] = version.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
