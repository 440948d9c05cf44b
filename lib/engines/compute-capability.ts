/** Whether a text is a compute capability as NVIDIA writes it, e.g. "8.9". Native code uses 89. */
export function isCapability(text: string): boolean {
  return /^[1-9]\d?\.\d$/.test(text);
}

/** "8.9" → 89 */
export function capabilityNumber(text: string): number {
  return Number(text.replace('.', ''));
}

/** 89 → "8.9" */
export function capabilityText(number: number): string {
  return `${Math.floor(number / 10)}.${number % 10}`;
}
