import { describeError, print, printError } from './output';
import { clearProgress } from './progress';

/** Reports that an image failed. The command continues with the others and exits with code 1. */
export function reportFailure(image: string, error: unknown, json: boolean): void {
  process.exitCode = 1;
  clearProgress();
  if (json) print({ image, error: describeError(error) });
  else printError(error);
}
