import { join } from 'node:path';
import { invalidType, isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { entriesOf } from './entries';

/** An image, by its path in the annotation file, and the texts that describe it. */
export interface Annotation {
  image: string;
  captions: string[];
}

export interface AnnotationOptions {
  /** Split to read if the file has splits. Default: 'test'. */
  split?: string | undefined;
  /** Largest number of images. Default: all; for ShareGPT4V the first 1000. */
  limit?: number | undefined;
}

type Entry = Record<string, unknown>;

interface Format {
  /** The keys of an entry, for errors. */
  keys: string;
  read(entry: Entry): Annotation | undefined;
  /** Number of images that the reference uses, if not all. */
  limit?: number;
}

/** The formats of the annotation files that LLM2CLIP is evaluated on. */
const FORMATS: readonly Format[] = [
  { keys: 'image and caption(s)', read: readCaptions },
  { keys: 'filename and sentences', read: readKarpathy },
  { keys: 'image_file and description', read: readDocci },
  { keys: 'image and conversations', read: readShareGpt4v, limit: 1000 },
];

/** Reads captions.json, and the files that BLIP publishes for Flickr30k and COCO. */
function readCaptions({ image, caption, captions }: Entry): Annotation | undefined {
  return annotation(image, caption ?? captions);
}

/** Reads dataset_flickr30k.json, dataset_coco.json and dataset_flickr8k.json. */
function readKarpathy({ filename, filepath, sentences }: Entry): Annotation | undefined {
  if (typeof filename !== 'string' || !Array.isArray(sentences)) return undefined;
  const image = typeof filepath === 'string' ? join(filepath, filename) : filename;
  const raw = sentences.map((sentence: unknown) => (isObject(sentence) ? sentence.raw : undefined));
  return annotation(image, raw);
}

/** Reads docci_descriptions.jsonlines. */
function readDocci({ image_file: image, description }: Entry): Annotation | undefined {
  return annotation(image, description);
}

/** Reads share-captioner_coco_lcs_sam_1246k_1107.json: each entry is a question and its answer. */
function readShareGpt4v({ image, conversations }: Entry): Annotation | undefined {
  const answer: unknown = Array.isArray(conversations) ? conversations[1] : undefined;
  return annotation(image, isObject(answer) ? answer.value : undefined);
}

function annotation(image: unknown, caption: unknown): Annotation | undefined {
  const captions: unknown[] = Array.isArray(caption) ? caption : [caption];
  const isText = (text: unknown): text is string => typeof text === 'string';
  if (!isText(image) || captions.length === 0 || !captions.every(isText)) return undefined;
  return { image, captions };
}

/**
 * Reads an annotation file in any of FORMATS.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG) for an unknown format; LLM2CLIPError
 *   ERR_NOT_FOUND, ERR_IO
 */
export async function readAnnotations(
  path: string,
  { split = 'test', limit }: AnnotationOptions = {},
): Promise<Annotation[]> {
  const found: Annotation[] = [];
  let number = 0;
  for await (const entry of entriesOf(path)) {
    number += 1;
    if (isObject(entry) && typeof entry.split === 'string' && entry.split !== split) continue;
    const { annotation, most } = readEntry(entry, `entry ${number} of ${path}`);
    found.push(annotation);
    if (found.length === (limit ?? most)) break;
  }
  if (found.length > 0) return found;
  const message = `expected images of split ${split} in ${path}, found none`;
  throw new LLM2CLIPError('ERR_NOT_FOUND', message);
}

function readEntry(entry: unknown, where: string) {
  for (const { read, limit } of isObject(entry) ? FORMATS : []) {
    const annotation = read(entry as Entry);
    if (annotation !== undefined) return { annotation, most: limit };
  }
  const keys = FORMATS.map((format) => format.keys).join(', or ');
  throw invalidType(`an object with ${keys}`, where, entry);
}
