// Horizontal bars with names beside them, or above them if the page is narrow.
import { isNarrow, ON_PLOT, textWidth } from './chart';

const ROW = 30;
const NARROW_ROW = 46;
const BAR = 16;
const GAP = 14;

const rowHeight = (width: number) => (isNarrow(width) ? NARROW_ROW : ROW);

export interface BarRows {
  names: string[];
  width: number;
  /** Space above the bars, in px. */
  top: number;
  /** Space for texts to the right of the bars, in px. */
  right: number;
  /** Space for the axis below the bars, in px. */
  bottom: number;
}

export function barsHeight({ names, width, top, bottom }: BarRows): number {
  return top + names.length * rowHeight(width) + bottom;
}

export function nameAxis({ names, width }: BarRows) {
  const above = {
    inside: true,
    align: 'left',
    verticalAlign: 'bottom',
    padding: [0, 0, BAR / 2 + 5, -4] as number[],
  } as const;
  return {
    type: 'category',
    inverse: true,
    data: names,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: {
      ...ON_PLOT,
      interval: 0,
      overflow: 'truncate',
      ...(isNarrow(width)
        ? { ...above, width: 0.88 * width }
        : { margin: GAP, width: width / 2.7 }),
    },
    z: 10,
  } as const;
}

export function barsPlot({ names, width, top, right, bottom }: BarRows) {
  const widest = Math.max(...names.map(textWidth));
  const left = isNarrow(width) ? 6 : Math.min(widest + GAP, width / 2.5);
  return { left, right, top, bottom, outerBoundsMode: 'none' } as const;
}

/** Returns the width available to the bars, in px. */
export function plotWidth(rows: BarRows): number {
  const { left, right } = barsPlot(rows);
  return rows.width - left - right;
}

export const BAR_WIDTH = BAR;
