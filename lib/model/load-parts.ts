// Opens the parts of a bundle, each on threads of its own.
import type { OpenBundle } from '../bundle/open';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../bundle/text-manifest';
import { engineOf } from '../engines';
import { capabilityNumber } from '../engines/compute-capability';
import { defaultMaxBatch } from '../engines/device';
import { LLM2CLIPError } from '../errors';
import {
  fromNative,
  type NativeEngine,
  type NativeSession,
  type PartSpec,
  type SessionParts,
} from '../native';
import type { ResolvedLoadOptions } from '../options';
import { PARTS, type Part } from '../parts';
import { TextTokenizer } from '../text/tokenizer';
import type { VisionPart } from './image-side';
import { Requests } from './requests';
import type { TextPart } from './text-side';

/**
 * Returns the largest number of texts and of their tokens in one run. So many keep the device busy;
 * captions are short.
 */
function mostOf(device: string): { texts: number; tokens: number } {
  return device === 'cpu' ? { texts: 128, tokens: 2048 } : { texts: 256, tokens: 16_384 };
}

/** An open bundle, the engine that runs it, and the options. */
export interface Source {
  path: string;
  bundle: OpenBundle;
  engine: NativeEngine;
  device: string;
  options: ResolvedLoadOptions;
}

/** Returns the path of a part's engine file after checking its digest. */
async function partFile(
  source: Source,
  part: Part,
  sizes: Pick<PartSpec, 'dim' | 'maxBatch'>,
): Promise<PartSpec> {
  const { path, bundle } = source;
  const { parts, engine } = bundle.manifest;
  const file = await bundle.verify(parts[part] ?? '');
  return { file, cache: engineOf(engine.kind).openCache(path, part), ...sizes };
}

/** Opens parts on a thread of their own. */
async function openSession(
  { bundle, engine, device, options }: Source,
  parts: SessionParts,
): Promise<NativeSession> {
  const { parts: names, files, computeCapabilities } = bundle.manifest;
  const digests = PARTS.map((part) => parts[part] && files[names[part] ?? '']?.sha256);
  // Bundles with the same content may be in different folders.
  const facts = PARTS.map((part) => ({ ...parts[part], file: undefined, cache: undefined }));
  const { threads, maxQueue, maxDelayMs } = options;
  const wanted = { device, threads, maxQueue, maxDelayMs };
  const key = JSON.stringify([digests, facts, engine.version, wanted]);
  const capabilities = computeCapabilities.map(capabilityNumber);
  return fromNative(engine.open({ key, computeCapabilities: capabilities, ...parts, ...wanted }));
}

/** Returns the largest number of images, or of text features, in one run. */
export function maxBatchOf({ bundle, device, options }: Omit<Source, 'engine'>): number {
  return Math.min(options.maxBatch ?? defaultMaxBatch(device), bundle.manifest.batch.max);
}

/**
 * Opens the vision tower.
 *
 * @throws LLM2CLIPError ERR_BUNDLE_INVALID, ERR_ENGINE_INCOMPATIBLE, ERR_OUT_OF_MEMORY,
 *   ERR_DEVICE_UNAVAILABLE
 */
export async function openVision(source: Source): Promise<VisionPart> {
  const { model, preprocessing } = source.bundle.manifest;
  if (model === undefined || preprocessing === undefined) throw lacking('vision');
  const sizes = { dim: model.embeddingDim, maxBatch: maxBatchOf(source) };
  const file = await partFile(source, 'vision', sizes);
  const session = await openSession(source, { vision: { ...file, preprocessing } });
  return { requests: new Requests(session), preprocessing, tower: model };
}

async function adapterSpec(source: Source): Promise<NonNullable<SessionParts['adapter']>> {
  const { text, batch } = source.bundle.manifest;
  if (text?.adapter === undefined) throw lacking('adapter');
  const { width, embeddingDim } = text.adapter.model;
  const maxBatch = Math.min(mostOf(source.device).texts, batch.max);
  return { ...(await partFile(source, 'adapter', { dim: embeddingDim, maxBatch })), width };
}

async function llmSpec(source: Source): Promise<NonNullable<SessionParts['llm']>> {
  const { text, engine, batch } = source.bundle.manifest;
  if (text?.llm === undefined) throw lacking('llm');
  const { width, maxTokens } = text.llm.model;
  const most = mostOf(source.device);
  const { limitsTexts } = engineOf(engine.kind);
  const maxBatch = limitsTexts ? Math.min(most.texts, batch.max) : most.texts;
  const maxTokensPerBatch = Math.max(most.tokens, maxTokens);
  const file = await partFile(source, 'llm', { dim: width, maxBatch });
  return { ...file, maxTokens, maxTokensPerBatch };
}

async function openTokenizer({ bundle }: Source): Promise<TextTokenizer> {
  const hasConfig = bundle.manifest.files[TOKENIZER_CONFIG_FILE] !== undefined;
  return TextTokenizer.fromFiles({
    path: await bundle.verify(TOKENIZER_FILE),
    configPath: hasConfig ? await bundle.verify(TOKENIZER_CONFIG_FILE) : undefined,
  });
}

/**
 * Opens a text side: the language model and the adapter on one thread, or the only one of them.
 *
 * @throws As openVision; ERR_CHECKPOINT_* for an invalid tokenizer
 */
export async function openText(source: Source, parts: readonly Part[]): Promise<TextPart> {
  const adapter = parts.includes('adapter') ? await adapterSpec(source) : undefined;
  const llm = parts.includes('llm') ? await llmSpec(source) : undefined;
  const tokenizer = llm && (await openTokenizer(source));
  try {
    const session = await openSession(source, { ...(llm && { llm }), ...(adapter && { adapter }) });
    return {
      requests: new Requests(session),
      ...(llm && tokenizer && { llm: { tokenizer, width: llm.dim } }),
      ...(adapter && { adapter: { width: adapter.width } }),
    };
  } catch (error) {
    await tokenizer?.dispose();
    throw error;
  }
}

function lacking(part: Part): LLM2CLIPError {
  return new LLM2CLIPError('ERR_BUNDLE_INVALID', `expected the part ${part} in this bundle`);
}
