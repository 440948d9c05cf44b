/** A result of a stream. Results are in the order of the inputs. */
export type Streamed<Input, Output> =
  | { index: number; input: Input; embedding: Output; error?: undefined }
  | { index: number; input: Input; embedding?: undefined; error: unknown };

interface UnderWay<Input, Output> {
  index: number;
  input: Input;
  outcome: Promise<{ embedding: Output } | { error: unknown }>;
}

/**
 * Maps an iterable through `encode`, in order. At most `readAhead` inputs are read before their
 * results are consumed, so that a slow consumer slows down the source. A failure is a result, too.
 * If the consumer stops early, the source is ended.
 */
export async function* streamInOrder<Input, Output>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  readAhead: number,
  encode: (input: Input) => Promise<Output>,
): AsyncGenerator<Streamed<Input, Output>, void, undefined> {
  const source =
    Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  const underWay: UnderWay<Input, Output>[] = [];
  let ended = false;
  let next = 0;
  try {
    for (;;) {
      while (!ended && underWay.length < readAhead) {
        const taken = await source.next();
        if (taken.done === true) ended = true;
        else underWay.push(begin(next++, taken.value, encode));
      }
      const first = underWay.shift();
      if (first === undefined) return;
      const { index, input } = first;
      yield { index, input, ...(await first.outcome) };
    }
  } finally {
    if (!ended) await source.return?.();
  }
}

function begin<Input, Output>(
  index: number,
  input: Input,
  encode: (input: Input) => Promise<Output>,
): UnderWay<Input, Output> {
  const outcome = encode(input).then(
    (embedding) => ({ embedding }),
    (error: unknown) => ({ error }),
  );
  return { index, input, outcome };
}
