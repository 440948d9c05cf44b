import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Report } from '../bench/record';
import { htmlReport } from '../bench/report/html';
import { markdownReport } from '../bench/report/markdown';
import { terminalReport } from '../bench/report/terminal';
import { writeReport, writeText } from '../bench/store';
import { LLM2CLIPError } from '../errors';
import { print } from './output';

/** Where a benchmark's results go. */
export interface OutputPaths {
  out?: string;
  markdown?: string;
  html?: string;
  json?: true;
}

export interface Outputs {
  /** After each run: what is done is not lost. */
  save(report: Report): Promise<void>;
  finish(report: Report): Promise<void>;
}

/** What cannot be written should not be measured first. */
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
