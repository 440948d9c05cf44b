// Mutates encoded pictures and looks at their format as decodeImage() does, before any decoder.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LLM2CLIPError } from '#lib/errors';
import { sourceOf } from '#lib/image/source';
import { mutateBytes } from './byte-mutations.mts';
import { Random } from './random.mts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});
const random = new Random(Number(values.seed));

/** Looking at a format takes microseconds. */
const MAX_MILLISECONDS = 1000;
/** A file is copied at most once, and a GIF gets a palette. */
const MOST_LARGER = 2048;

const FOLDER = join(import.meta.dirname, '../fixtures/image-kinds');
const seeds = readdirSync(FOLDER)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => readFileSync(join(FOLDER, name)));

type Outcome = 'taken' | 'refused';

/** Throws, as a bug, whatever is not one of the refusals, or a source that is not as it should be. */
function look(bytes: Buffer): Outcome {
  try {
    const { bytes: prepared, orientation = 1, canvas } = sourceOf(bytes, 'the image');
    if (prepared.length > bytes.length + MOST_LARGER) throw new RangeError('a larger file');
    if (!(orientation >= 1 && orientation <= 8)) throw new RangeError(`orientation ${orientation}`);
    if (canvas !== undefined && canvas.background.length !== 3) throw new RangeError('background');
    return 'taken';
  } catch (error) {
    if (error instanceof LLM2CLIPError && error.code.startsWith('ERR_IMAGE_')) return 'refused';
    throw error;
  }
}

const counts: Record<Outcome, number> = { taken: 0, refused: 0 };
const start = Date.now();
for (
  let round = 0;
  round % 256 !== 0 || Date.now() - start < Number(values.seconds) * 1000;
  round++
) {
  let input: Buffer = Buffer.from(random.pick(seeds));
  for (let i = random.below(4); i >= 0; i--) input = mutateBytes(input, random);
  const kept = Buffer.from(input); // looking may change it
  try {
    const cpu = process.cpuUsage();
    counts[look(input)]++;
    const milliseconds = process.cpuUsage(cpu).user / 1000;
    if (milliseconds > MAX_MILLISECONDS) throw new RangeError(`took ${milliseconds} ms`);
  } catch (error) {
    const path = join(tmpdir(), `llm2clip-fuzz-pictures-${values.seed}-${start}`);
    writeFileSync(path, kept);
    console.error(`seed ${values.seed}: ${path} (${kept.length} bytes)`, error);
    process.exitCode = 1;
    break;
  }
}
const rssMegabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
console.log(JSON.stringify({ seed: Number(values.seed), ...counts, rssMegabytes }));
