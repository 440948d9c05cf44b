import { basename, extname, join, parse } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { readText } from '../files/read-text';
import { isAppleDouble, readFolder } from '../image/folder';
import { quote } from '../quote';
import { type Annotation, type AnnotationOptions, readAnnotations } from './annotations';
import { DatasetFolder } from './dataset-folder';

/** Images and the texts that describe them. */
export interface RetrievalDataset {
  /** Source of the texts: a file, or Urban1k's folder. */
  annotations: string;
  /** Paths of the image files. */
  images: string[];
  texts: string[];
  /** For each text, the index of its image in `images`. */
  imageOfText: number[];
}

export interface DatasetOptions extends AnnotationOptions {
  /** Annotation file. Default: the one in the folder. */
  annotations?: string | undefined;
  /** Folder that the paths in the annotations start from. Default: the dataset's folder. */
  images?: string | undefined;
}

const ANNOTATIONS = new Set(['.json', '.jsonl', '.jsonlines']);

/** Names of annotation files to prefer if a folder holds several files. */
const WELL_KNOWN = new Set([
  ...['captions.json', 'captions.jsonl', 'test.json', 'flickr30k_test.json'],
  ...['coco_karpathy_test.json', 'dataset_flickr30k.json', 'dataset_coco.json'],
  ...['docci_descriptions.jsonlines', 'validation_1k.json'],
  'share-captioner_coco_lcs_sam_1246k_1107.json',
]);

/** Subfolders that may hold the images of a dataset. */
const IMAGES = ['', 'images', 'image'];

/**
 * Reads a dataset from a folder with images and an annotation file in a published format or, for
 * Urban1k, with the folders `image` and `caption`. Entries that name the same image are merged.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG) for annotations in an unknown format, and for
 *   images and texts outside the folder
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function readRetrievalDataset(
  folder: string,
  options: DatasetOptions = {},
): Promise<RetrievalDataset> {
  const annotations = options.annotations ?? (await findAnnotations(folder));
  const isUrban = extname(annotations) === '';
  const entries = isUrban
    ? await readUrban(folder, annotations, options.limit)
    : await readAnnotations(annotations, options);
  const images = await DatasetFolder.open(options.images ?? folder);
  const dataset: RetrievalDataset = { annotations, images: [], texts: [], imageOfText: [] };
  const places = new Map<string, number>();
  for (const { image, captions } of entries) {
    const place = places.get(image) ?? dataset.images.length;
    if (!places.has(image)) {
      places.set(image, place);
      dataset.images.push(await findImage(images, image));
    }
    for (const caption of captions) {
      dataset.texts.push(caption);
      dataset.imageOfText.push(place);
    }
  }
  return dataset;
}

/**
 * Returns the first existing path of an image, or the expected path if there is none. Annotations
 * may contain the paths of their author's machine, so the bare file name is tried, too.
 */
async function findImage(images: DatasetFolder, image: string): Promise<string> {
  const what = 'the image of an annotation';
  const paths = [image, basename(image)].flatMap((name) =>
    IMAGES.flatMap((folder) => images.resolve(folder, name) ?? []),
  );
  for (const path of paths) if (await images.has(path, what)) return path;
  const path = images.resolve(image);
  if (path !== undefined) return path;
  throw images.outside(what, `the path ${quote(image)}, which leads outside`);
}

async function list(folder: string): Promise<string[]> {
  const entries = await readFolder(folder);
  return entries.map(({ name }) => name).filter((name) => !isAppleDouble(name));
}

async function findAnnotations(folder: string): Promise<string> {
  const names = await list(folder);
  const files = names.filter((name) => ANNOTATIONS.has(extname(name).toLowerCase()));
  const known = files.filter((name) => WELL_KNOWN.has(name));
  const [name] = files.length === 1 ? files : known;
  const inside = await DatasetFolder.open(folder);
  const place = (found: string) => inside.requireInside(join(folder, found), 'annotations');
  if (name !== undefined && (files.length === 1 || known.length === 1)) return place(name);
  if (files.length === 0 && names.includes('caption')) return place('caption');
  const found = files.length === 0 ? 'none' : files.sort().join(', ');
  const message = `expected one file of annotations in ${folder}, found ${found}; name one with --annotations`;
  throw new LLM2CLIPError('ERR_NOT_FOUND', message);
}

/** Reads Urban1k: the first line of caption/1.txt describes image/1.jpg. */
async function readUrban(
  folder: string,
  captions: string,
  limit: number | undefined,
): Promise<Annotation[]> {
  const inside = await DatasetFolder.open(captions);
  const images = await list(join(folder, 'image'));
  const byStem = new Map(images.map((name) => [parse(name).name, name]));
  const stems = (await list(captions))
    .filter((name) => extname(name) === '.txt')
    .map((name) => parse(name).name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .slice(0, limit);
  return Promise.all(
    stems.map(async (stem) => {
      const path = await inside.requireInside(join(captions, `${stem}.txt`), 'a text');
      const text = await readText(path);
      const image = join('image', byStem.get(stem) ?? `${stem}.jpg`);
      return { image, captions: [text.split('\n', 1)[0] as string] };
    }),
  );
}
