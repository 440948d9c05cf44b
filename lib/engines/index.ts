// All kinds of engines that this version can build and run. To add one, add a file to this folder
// and an entry to the list below.
import { loadNative, type NativeEngine } from '../native';
import type { Part } from '../parts';
import { cpu } from './cpu';
import type { Engine } from './engine';
import { tensorrt } from './tensorrt';
import { tensorrtRtx } from './tensorrt-rtx';
import { torchscript } from './torchscript';

const ENGINES = [torchscript, cpu, tensorrt, tensorrtRtx] as const satisfies readonly Engine[];

export type EngineKind = (typeof ENGINES)[number]['kind'];

/** In the order in which messages and help list them. */
export const ENGINE_KINDS: readonly EngineKind[] = ENGINES.map(({ kind }) => kind);

/** The engine that `convert` builds by default. */
export const DEFAULT_ENGINE = torchscript.kind;

export function engineOf(kind: EngineKind): Engine {
  return ENGINES.find((engine) => engine.kind === kind) as Engine;
}

/** Returns the kinds that a condition holds for. */
export function kindsThat(holds: (engine: Engine) => boolean): EngineKind[] {
  return ENGINES.filter(holds).map(({ kind }) => kind);
}

/** Returns the kind of a file made elsewhere, by its name. */
export function kindOfFile(path: string): EngineKind {
  const ends = ({ importedSuffix }: Engine) =>
    importedSuffix !== undefined && path.endsWith(importedSuffix);
  return kindsThat(ends)[0] ?? DEFAULT_ENGINE;
}

/** Names of the engines' libraries beside the addon. */
export const PLUGINS: readonly string[] = ENGINES.flatMap(({ plugin }: Engine) => plugin ?? []);

/** Returns the path of a part's engine file in a bundle. It follows Triton's layout. */
export function engineFile(part: Part, kind: EngineKind): string {
  return `${part}/1/${engineOf(kind).fileName}`;
}

/** Returns the engine that observes linear layers, so that int8 can be calibrated for any engine. */
export function observingEngine(): NativeEngine {
  return loadNative().cpuEngine();
}

/**
 * Opens an engine and the vendor's libraries that it needs, on a native thread.
 *
 * @param runtime Folder of the vendor's libraries. Without it, lib/runtime searches for them.
 * @param device Device that it will run on. A GPU needs more libraries.
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING, ERR_ENGINE_INCOMPATIBLE
 */
export async function openEngine(
  kind: EngineKind,
  runtime?: string,
  device = 'cpu',
): Promise<NativeEngine> {
  return engineOf(kind).open(runtime === undefined ? {} : { runtime }, device);
}
