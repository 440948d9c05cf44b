// Finds the layer that changes image embeddings most in int8. Prints its effect by layerEffects(),
// and by engines that are built with only that layer in int8 and with none:
//   worst-layer.mts IMAGES CHECKPOINT FOLDER
import { effectsOn } from './layer-effects.mts';

const [images = '', checkpoint = '', folder = ''] = process.argv.slice(2);
const { layers, effects, built } = await effectsOn(images, checkpoint, folder);
const found = await effects();
const estimated = Math.min(...found);
const { name = '' } = layers[found.indexOf(estimated)] ?? {};
console.log(
  JSON.stringify({ name, estimated, built: await built(name), none: await built('none') }),
);
