// Converts in fp32 and prints the number of parameters and the peak memory: converter.mts CHECKPOINT BUNDLE

const [checkpoint = '', out = ''] = process.argv.slice(2);

import { convertModel } from './device.mts';

const { parameters } = await convertModel(checkpoint, { out, precision: 'fp32' });
console.log(JSON.stringify({ parameters, peakBytes: process.resourceUsage().maxRSS * 1024 }));
