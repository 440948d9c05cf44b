import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Report } from '../bench/record';
import { htmlReport } from '../bench/report/html';
import { markdownReport } from '../bench/report/markdown';
import { terminalReport } from '../bench/report/terminal';
import { writeReport, writeText } from '../bench/store';
import { LLM2CLIPError } from '../errors';
import { print } from './output';

/** The files that a benchmark's results are written to. */
export interface OutputPaths {
  out?: string;
  markdown?: string;
  html?: string;
  json?: true;
}

export interface Outputs {
  /**
   * Writes the record. It is called after each run, so that an interruption loses no finished run.
   */
  save(report: Report): Promise<void>;
  /** Writes every output that was asked for and prints the report. */
  finish(report: Report): Promise<void>;
}

/** Fails before the measurement, not after it, if a file cannot be written. */
function requireFolder(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw new LLM2CLIPError('ERR_IO', `cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

export function openOutputs({ out, markdown, html, json }: OutputPaths): Outputs {
  for (const path of [out, markdown, html]) if (path !== undefined) requireFolder(path);
  const save = async (report: Report) => {
    if (out !== undefined) await writeReport(out, report);
  };
  const finish = async (report: Report) => {
    await save(report);
    if (markdown !== undefined) await writeText(markdown, markdownReport(report));
    if (html !== undefined) await writeText(html, htmlReport(report));
    print(json ? report : terminalReport(report));
  };
  return { save, finish };
}
