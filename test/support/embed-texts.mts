// Embeds the inputs of the goldens with each engine file: embed-texts.mts PRESET ENGINE-FILE…
import { embedAll, goldenCases, openTextEngine, type TextPreset } from './text-towers.mts';

const [preset, ...files] = process.argv.slice(2);
const inputs = goldenCases(preset as TextPreset).map(({ input }) => input);
for (const file of files) {
  const session = await openTextEngine(file, preset as TextPreset);
  const rows = await embedAll(session, inputs);
  console.log(JSON.stringify({ ...session.info, rows: rows.map((row) => [...row]) }));
  await session.close();
}
