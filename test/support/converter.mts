// Converts in fp32 and prints the number of parameters and the peak memory: converter.mts CHECKPOINT BUNDLE
import { convert } from 'llm2clip';

const [checkpoint = '', out = ''] = process.argv.slice(2);
const { parameters } = await convert(checkpoint, { out, precision: 'fp32' });
console.log(JSON.stringify({ parameters, peakBytes: process.resourceUsage().maxRSS * 1024 }));
