import { describeError, print, printError } from './output';
import { clearProgress } from './progress';

/** Says that a picture failed while the others go on; the command fails in the end. */
export function reportFailure(image: string, error: unknown, json: boolean): void {
  process.exitCode = 1;
  clearProgress();
  if (json) print({ image, error: describeError(error) });
  else printError(error);
}
