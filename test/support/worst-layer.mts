// Says which layer hurts the embeddings of pictures most in int8, by how much layerEffects() has it and
// by how much engines do that are built with it alone in int8, and with none:
//   worst-layer.mts PICTURES CHECKPOINT FOLDER
import { effectsOn } from './layer-effects.mts';

const [pictures = '', checkpoint = '', folder = ''] = process.argv.slice(2);
const { layers, effects, built } = await effectsOn(pictures, checkpoint, folder);
const found = await effects();
const estimated = Math.min(...found);
const { name = '' } = layers[found.indexOf(estimated)] ?? {};
console.log(
  JSON.stringify({ name, estimated, built: await built(name), none: await built('none') }),
);
