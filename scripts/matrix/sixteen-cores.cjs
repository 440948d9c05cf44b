// Preloaded: the process believes in 16 cores.
const os = require('node:os');

const [one] = os.cpus();
os.availableParallelism = () => 16;
os.cpus = () => Array.from({ length: 16 }, () => ({ ...one }));
require('node:module').syncBuiltinESMExports();
