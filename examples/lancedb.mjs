// Stores the embeddings of a folder of images in LanceDB, an in-process vector database, and finds
// images by text or by image:
//
//   npm install @lancedb/lancedb apache-arrow
//   node examples/lancedb.mjs index BUNDLE DATABASE FOLDER
//   node examples/lancedb.mjs search BUNDLE DATABASE "a red car"
//   node examples/lancedb.mjs search BUNDLE DATABASE cat.jpg
//
// Memory use does not depend on the number of images. A second run updates the images of the first.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { Field, FixedSizeList, Float32, Schema, Utf8 } from 'apache-arrow';
import { LLM2CLIP } from 'llm2clip';

const TABLE = 'images';
const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'];
const ROWS_AT_ONCE = 256;
const RESULTS = 10;

async function openTable(database, dim) {
  const db = await connect(database);
  if ((await db.tableNames()).includes(TABLE)) return db.openTable(TABLE);
  const item = new Field('item', new Float32(), true);
  const schema = new Schema([
    new Field('path', new Utf8()),
    new Field('vector', new FixedSizeList(dim, item)),
  ]);
  return db.createEmptyTable(TABLE, schema);
}

async function index(model, database, folder) {
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => EXTENSIONS.includes(extname(name).toLowerCase()))
    .map((name) => join(folder, name));
  const table = await openTable(database, model.info.embeddingDim);
  let rows = [];
  const write = async () => {
    if (rows.length === 0) return;
    const upsert = table.mergeInsert('path').whenMatchedUpdateAll().whenNotMatchedInsertAll();
    await upsert.execute(rows);
    rows = [];
  };
  for await (const { input, embedding, error } of model.embedStream(paths, {
    onError: 'collect',
  })) {
    if (embedding === undefined) console.error(`${input}: ${error.message}`);
    else rows.push({ path: input, vector: Array.from(embedding) });
    if (rows.length === ROWS_AT_ONCE) await write();
  }
  await write();
  console.log(`${await table.countRows()} images`);
}

async function search(model, database, query) {
  const vector = existsSync(query) ? await model.encodeImage(query) : await model.encodeText(query);
  const table = await openTable(database, model.info.embeddingDim);
  const nearest = table.vectorSearch(vector).distanceType('cosine').limit(RESULTS);
  for (const { path, _distance } of await nearest.toArray()) {
    console.log(`${(1 - _distance).toFixed(4)}\t${path}`);
  }
}

const COMMANDS = { index, search };
const [command, bundle, database, what] = process.argv.slice(2);
if (!(command in COMMANDS) || what === undefined) {
  throw new Error('usage: lancedb.mjs index BUNDLE DATABASE FOLDER | search BUNDLE DATABASE QUERY');
}
// Indexing does not need the language model, so load only the vision tower.
const model = await LLM2CLIP.load(bundle, command === 'index' ? { parts: ['vision'] } : {});
await COMMANDS[command](model, database, what);
await model.dispose();
