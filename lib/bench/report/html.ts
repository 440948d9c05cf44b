import { LLM2CLIPError } from '../../errors';
import type { Report } from '../record';
import type { ECharts } from './draw';
import { page } from './page';

let loaded: ECharts | undefined;

/** Loads the optional package echarts when a report needs it. */
function loadECharts(): ECharts {
  try {
    loaded ??= require('echarts') as ECharts;
    return loaded;
  } catch (cause) {
    throw new LLM2CLIPError(
      'ERR_RUNTIME_MISSING',
      'expected echarts for the HTML report, found none; run: npm install echarts',
      { cause },
    );
  }
}

/**
 * Writes a report as one HTML page with headline figures, charts, tables and the machine. The page
 * needs no network and no scripts.
 *
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING if the optional package echarts is not installed
 * @example
 * await writeFile('benchmark.html', htmlReport(report));
 */
export function htmlReport(report: Report): string {
  return page(report, loadECharts());
}
