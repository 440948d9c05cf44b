/** Tensors of the text side, which a vision tower does not need. */
const TEXT = [/^text(_model|_projection|_adapter|_adaptor|_proj)?(\.|$)/, /^logit_(scale|bias)$/];

/** Tensors of the vision tower that are not needed, because they are recomputed. */
const DERIVED = [
  /(^|\.)rope(\.|_|$)/, // RoPE tables, which are recomputed in fp32
  /(^|\.)position_ids$/,
  /^(input_resolution|context_length|vocab_size)$/, // constants of OpenAI's exports
  /^n_averaged$/, // counter of torch.optim.swa_utils.AveragedModel
];

export function isTextTensor(name: string): boolean {
  return TEXT.some((pattern) => pattern.test(name));
}

export function isIgnored(name: string): boolean {
  return isTextTensor(name) || DERIVED.some((pattern) => pattern.test(name));
}
