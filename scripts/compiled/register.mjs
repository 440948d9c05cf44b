// node --import scripts/compiled/register.mjs FILE.mts, with LLM2CLIP_COMPILED_TESTS set to the folder
// of compileTests().
import module from 'node:module';
import { load } from './load.mjs';

process.setSourceMapsEnabled(true);
// registerHooks() came with Node 22.15. Before, hooks run on a thread of their own.
if (module.registerHooks) module.registerHooks({ load });
else module.register('./load.mjs', import.meta.url);
