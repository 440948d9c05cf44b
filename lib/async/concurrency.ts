/**
 * Calls `body` for 0 to count − 1 in that order, with at most `limit` calls at the same time. It
 * rejects with the first rejection; after that, no further call starts.
 */
export async function forEachConcurrently(
  count: number,
  limit: number,
  body: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < count && !failed) {
      try {
        await body(next++);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, count) }, lane));
}
