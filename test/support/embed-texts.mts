// Embeds the inputs that there are goldens of: embed-texts.mts ENGINE-FILE PRESET
import { embedAll, goldenCases, openTextEngine, type TextPreset } from './text-towers.mts';

const [file = '', preset] = process.argv.slice(2);
const session = await openTextEngine(file, preset as TextPreset);
const inputs = goldenCases(preset as TextPreset).map(({ input }) => input);
const rows = await embedAll(session, inputs);
console.log(JSON.stringify({ ...session.info, rows: rows.map((row) => [...row]) }));
await session.close();
