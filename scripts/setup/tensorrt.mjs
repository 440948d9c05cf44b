// Provides the headers of both kinds of TensorRT, from a crate that cargo fetches into this user's
// cache. TENSORRT_ROOT and TENSORRT_RTX_ROOT name other headers. A kind without headers is not
// built.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { capture } from '../command.mjs';

const CRATE = {
  name: 'trtx-sys',
  version: '0.9.1',
  checksum: '5480ee056292951daa1bc74532162d6cb75190f091e45d7d97c0c356916ae171',
};

/** Each kind's folder in the crate, and the variable with which a user names another one. */
const KINDS = {
  tensorrt: { folder: 'TRT-Enterprise-11.4', variable: 'TENSORRT_ROOT' },
  tensorrtRtx: { folder: 'TRT-RTX-1.7', variable: 'TENSORRT_RTX_ROOT' },
};

export const tensorrt = {
  get name() {
    const missing = Object.values(findTensorrtHeaders()).includes(undefined);
    return missing && !hasCargo()
      ? 'TensorRT left out, as there is no cargo that works to fetch its headers:'
      : 'TensorRT headers';
  },
  isDone() {
    return !Object.values(findTensorrtHeaders()).includes(undefined) || !hasCargo();
  },
  async run() {
    for (const { variable } of Object.values(KINDS)) requireNamed(variable);
    await fetchHeaders(cachedHeaders());
  },
};

/** rustup's proxy for cargo exists even without cargo, and then fails. */
function hasCargo() {
  return spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Returns the folders with NvInfer.h, or undefined for a kind that has none. */
export function findTensorrtHeaders() {
  const find = ({ folder, variable }) => {
    const root = process.env[variable];
    const include = root ? resolve(root, 'include') : join(cachedHeaders(), folder);
    return existsSync(join(include, 'NvInfer.h')) ? include : undefined;
  };
  return { tensorrt: find(KINDS.tensorrt), tensorrtRtx: find(KINDS.tensorrtRtx) };
}

/** A folder that the user named is used or rejected, but never silently ignored. */
function requireNamed(variable) {
  const root = process.env[variable];
  if (!root || existsSync(resolve(root, 'include/NvInfer.h'))) return;
  throw new Error(`expected include/NvInfer.h in ${root} (${variable}), found none`);
}

/**
 * Fetches into a temporary folder and renames it, so that the final folder is either complete or
 * absent.
 */
async function fetchHeaders(target) {
  mkdirSync(dirname(target), { recursive: true });
  const staging = mkdtempSync(`${target}.`);
  try {
    const crate = await fetchCrate(staging);
    for (const { folder } of Object.values(KINDS)) {
      const headers = join(crate, 'TensorRT-Headers', folder);
      cpSync(headers, join(staging, 'headers', folder), { recursive: true });
    }
    renameSync(join(staging, 'headers'), target);
  } catch (error) {
    if (!existsSync(target)) throw error; // otherwise another process was faster
  } finally {
    rmSync(staging, { recursive: true });
  }
}

/** Returns the folder of the unpacked crate. Both cargo and this script have checked its digest. */
async function fetchCrate(folder) {
  const options = { cwd: folder };
  writeFileSync(join(folder, 'lib.rs'), '');
  writeFileSync(
    join(folder, 'Cargo.toml'),
    `[package]\nname = "headers"\nversion = "0.0.0"\n[lib]\npath = "lib.rs"\n` +
      `[dependencies]\n${CRATE.name} = "=${CRATE.version}"\n`,
  );
  await capture('cargo', ['fetch', '--quiet', '--target', 'x86_64-unknown-linux-gnu'], options);
  requireDigest(readFileSync(join(folder, 'Cargo.lock'), 'utf8'));
  const platform = ['--filter-platform', 'x86_64-unknown-linux-gnu'];
  const args = ['metadata', '--offline', '--format-version', '1', ...platform];
  const output = await capture('cargo', args, { ...options, stdio: ['ignore', 'pipe', 'ignore'] });
  const { packages } = JSON.parse(output);
  return dirname(packages.find(({ name }) => name === CRATE.name).manifest_path);
}

function requireDigest(lock) {
  const [, entry = ''] = lock.split(`name = "${CRATE.name}"`);
  const found = /checksum = "(\w+)"/.exec(entry)?.[1];
  if (found === CRATE.checksum) return;
  throw new Error(`expected ${CRATE.name} with sha256 ${CRATE.checksum}, found ${found}`);
}

function cachedHeaders() {
  return join(cacheFolder(), `tensorrt-headers-${CRATE.version}`);
}

/** The same folder as in lib/runtime/cache.ts, which may not be compiled yet. */
function cacheFolder() {
  const { LLM2CLIP_CACHE, XDG_CACHE_HOME } = process.env;
  if (LLM2CLIP_CACHE) return resolve(LLM2CLIP_CACHE);
  const isUsable = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME);
  return join(isUsable ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'llm2clip');
}
