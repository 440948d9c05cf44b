// The parts of a bundle, each opened on threads of its own.
import type { OpenBundle } from '../bundle/open';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../bundle/text-manifest';
import { engineOf } from '../engines';
import { capabilityNumber } from '../engines/compute-capability';
import { defaultMaxBatch } from '../engines/device';
import { LLM2CLIPError } from '../errors';
import { fromNative, type InputSpec, type NativeEngine, type NativeSession } from '../native';
import type { ResolvedLoadOptions } from '../options';
import type { Part } from '../parts';
import { TextTokenizer } from '../text/tokenizer';
import type { VisionPart } from './image-side';
import { Requests } from './requests';
import type { TextParts } from './text-side';

/**
 * Most texts, and tokens of them, in one run: as many as keep a device busy; captions are short.
 */
function mostOf(device: string): { texts: number; tokens: number } {
  return device === 'cpu' ? { texts: 128, tokens: 2048 } : { texts: 256, tokens: 16_384 };
}

/** A bundle that is open, what runs it, and how. */
export interface Source {
  path: string;
  bundle: OpenBundle;
  engine: NativeEngine;
  device: string;
  options: ResolvedLoadOptions;
}

async function openPart(
  source: Source,
  part: Part,
  input: InputSpec,
  { embeddingDim, maxBatch }: { embeddingDim: number; maxBatch: number },
): Promise<NativeSession> {
  const { path, bundle, engine, device, options } = source;
  const { parts, files, computeCapabilities, engine: built } = bundle.manifest;
  const name = parts[part] ?? '';
  const file = await bundle.verify(name);
  const { threads, maxQueue, maxDelayMs } = options;
  const wanted = { device, threads, maxBatch, maxQueue, maxDelayMs };
  const key = JSON.stringify([part, files[name]?.sha256, input, engine.version, wanted]);
  return fromNative(
    engine.open({
      key,
      file,
      cache: engineOf(built.kind).openCache(path, part),
      computeCapabilities: computeCapabilities.map(capabilityNumber),
      embeddingDim,
      ...input,
      ...wanted,
    }),
  );
}

/** Pictures in one run, or features of texts. */
export function maxBatchOf({ bundle, device, options }: Omit<Source, 'engine'>): number {
  return Math.min(options.maxBatch ?? defaultMaxBatch(device), bundle.manifest.batch.max);
}

/**
 * @throws LLM2CLIPError ERR_BUNDLE_INVALID, ERR_ENGINE_INCOMPATIBLE, ERR_OUT_OF_MEMORY,
 * ERR_DEVICE_UNAVAILABLE
 */
export async function openVision(source: Source): Promise<VisionPart> {
  const { model, preprocessing } = source.bundle.manifest;
  if (model === undefined || preprocessing === undefined) throw lacking('vision');
  const { embeddingDim } = model;
  const sizes = { embeddingDim, maxBatch: maxBatchOf(source) };
  const session = await openPart(source, 'vision', { preprocessing }, sizes);
  return { requests: new Requests(session), preprocessing, tower: model };
}

/** @throws as openVision */
export async function openAdapter(source: Source): Promise<NonNullable<TextParts['adapter']>> {
  const adapter = source.bundle.manifest.text?.adapter;
  if (adapter === undefined) throw lacking('adapter');
  const { width, embeddingDim } = adapter.model;
  const { texts } = mostOf(source.device);
  const sizes = { embeddingDim, maxBatch: Math.min(texts, source.bundle.manifest.batch.max) };
  const session = await openPart(source, 'adapter', { featureWidth: width }, sizes);
  return { requests: new Requests(session), width };
}

/** @throws as openVision, ERR_CHECKPOINT_* for a tokenizer that is none */
export async function openLlm(source: Source): Promise<NonNullable<TextParts['llm']>> {
  const { bundle, device } = source;
  const { text, files, engine, batch } = bundle.manifest;
  if (text?.llm === undefined) throw lacking('llm');
  const { width, maxTokens } = text.llm.model;
  const most = mostOf(device);
  const { limitsTexts } = engineOf(engine.kind);
  const maxBatch = limitsTexts ? Math.min(most.texts, batch.max) : most.texts;
  const input = { maxTokens, maxTokensPerBatch: Math.max(most.tokens, maxTokens) };
  const tokenizer = await TextTokenizer.fromFiles({
    path: await bundle.verify(TOKENIZER_FILE),
    configPath:
      files[TOKENIZER_CONFIG_FILE] === undefined
        ? undefined
        : await bundle.verify(TOKENIZER_CONFIG_FILE),
  });
  try {
    const session = await openPart(source, 'llm', input, { embeddingDim: width, maxBatch });
    return { tokenizer, requests: new Requests(session), width };
  } catch (error) {
    await tokenizer.dispose();
    throw error;
  }
}

function lacking(part: Part): LLM2CLIPError {
  return new LLM2CLIPError('ERR_BUNDLE_INVALID', `expected the part ${part} in this bundle`);
}
