/** What wrappers of training put into a name, wherever they wrap: as modules of their own. */
const WRAPPERS: ReadonlySet<string> = new Set([
  'module', // torch.nn.DataParallel, DistributedDataParallel, and averages of weights
  '_orig_mod', // torch.compile
  '_fsdp_wrapped_module',
  '_checkpoint_wrapped_module', // activation checkpointing
]);

/** Lightning's modules keep the model so; of a Llama it is what transformers puts before the layers. */
const HELD_AS = /^model\./;

/** The name of a tensor as it was before the model was wrapped for training. */
export function plainName(name: string): string {
  const components = name.split('.').filter((component) => !WRAPPERS.has(component));
  return components.join('.').replace(HELD_AS, '');
}
