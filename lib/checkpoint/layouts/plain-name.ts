/** What wrappers of training put into a name, wherever they wrap: as modules of their own. */
const WRAPPERS: ReadonlySet<string> = new Set([
  'module', // torch.nn.DataParallel, DistributedDataParallel, and averages of weights
  '_orig_mod', // torch.compile
  '_fsdp_wrapped_module',
  '_checkpoint_wrapped_module', // activation checkpointing
]);

/** Lightning's modules keep the model so; of a Llama it is what transformers puts before the layers. */
const HELD_AS = /^model\./;

function unwrapped(name: string): string {
  const components = name.split('.').filter((component) => !WRAPPERS.has(component));
  return components.join('.');
}

/** The name of a tensor as it was before the model was wrapped for training. */
export function plainName(name: string): string {
  return unwrapped(name).replace(HELD_AS, '');
}

/** Whether it is the model's of a Lightning module, which may hold losses and metrics beside it. */
export function isOfHeldModel(name: string): boolean {
  return HELD_AS.test(unwrapped(name));
}
