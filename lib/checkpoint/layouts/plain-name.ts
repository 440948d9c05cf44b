/** Modules that training wrappers insert into names, at any level. */
const WRAPPERS: ReadonlySet<string> = new Set([
  'module', // torch.nn.DataParallel, DistributedDataParallel, and averages of weights
  '_orig_mod', // torch.compile
  '_fsdp_wrapped_module',
  '_checkpoint_wrapped_module', // activation checkpointing
]);

/**
 * Prefix of the model in Lightning modules. In a Llama it is transformers' own prefix of the
 * layers.
 */
const HELD_AS = /^model\./;

function unwrapped(name: string): string {
  const components = name.split('.').filter((component) => !WRAPPERS.has(component));
  return components.join('.');
}

/** Returns the name that a tensor had before the model was wrapped for training. */
export function plainName(name: string): string {
  return unwrapped(name).replace(HELD_AS, '');
}

/**
 * Whether a tensor belongs to the model of a Lightning module, and not to its losses or metrics.
 */
export function isOfHeldModel(name: string): boolean {
  return HELD_AS.test(unwrapped(name));
}
