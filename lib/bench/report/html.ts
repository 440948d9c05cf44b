import { LLM2CLIPError } from '../../errors';
import type { Report } from '../record';
import type { ECharts } from './draw';
import { page } from './page';

let loaded: ECharts | undefined;

/** echarts, when a report needs it: few of those who install the package draw charts. */
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
 * A report as one HTML page that needs no network and no scripts: headline figures, charts, tables,
 * machine.
 *
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING without the optional package echarts
 * @example
 * await writeFile('benchmark.html', htmlReport(report));
 */
export function htmlReport(report: Report): string {
  return page(report, loadECharts());
}
