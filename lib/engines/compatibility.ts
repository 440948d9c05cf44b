// Whether this installation can run the engine of a bundle, by what the manifest says of it: before
// the engine is opened.
import type { Manifest } from '../bundle/manifest';
import { LLM2CLIPError } from '../errors';
import { tensorrtTitle } from '../runtime/tensorrt';
import { OPERATORS_VERSION } from './index';

/**
 * @param found Version of the vendor's library that would run it.
 * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE naming what was expected, what was found and the
 *   command that builds the engine again
 */
export function requireCompatible(manifest: Manifest, found: string): void {
  if (manifest.engine.kind === 'torchscript') requireOperators(manifest);
  else requireTensorrt(manifest, found);
}

function requireOperators({ engine }: Manifest): void {
  if (engine.flavour !== 'native' || engine.operators === OPERATORS_VERSION) return;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected an engine with operators of version ${OPERATORS_VERSION}, found ${engine.operators}; ` +
      'convert the checkpoint again with `npx llm2clip convert --force`',
  );
}

/** "1.7.1.116" → "1.7.1": builds of one release read each other's plans. */
function release(version: string): string {
  return version.split('.').slice(0, 3).join('.');
}

/** A plan opens with the release that built it and no other. */
function requireTensorrt({ engine }: Manifest, found: string): void {
  const { kind, version, flavour } = engine;
  if (kind === 'torchscript' || release(version) === release(found)) return;
  const remedy =
    flavour === 'imported'
      ? 'build and import it again'
      : `build it again with \`npx llm2clip convert --force --engine ${kind}\``;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected an engine of ${tensorrtTitle(kind)} ${found}, found one of ${version}; ${remedy}`,
  );
}
