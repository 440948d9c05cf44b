/**
 * Calls `body` for 0 to count − 1, at most `limit` at once and in that order. The first rejection
 * rejects, after which no further call begins.
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
