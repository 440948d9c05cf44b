import type { CustomSeriesRenderItem } from 'echarts';
import type { Comparison, Contestant } from '../record';
import { BAR_WIDTH, type BarRows, barsHeight, barsPlot, nameAxis } from './bars';
import {
  BASE,
  type Chart,
  FONT,
  INK,
  isNarrow,
  MUTED,
  type Option,
  seriesColour,
  textWidth,
  valueAxis,
} from './chart';
import { formatRatio, oneLine, plural } from './format';
import { isRanked, orderContestants, type RankedPeer, rankedPeers } from './ranking';
import { columns, comparisonName, contestantName, oursName } from './rows';

const FASTER = { name: 'ours is faster', colour: seriesColour(0), symbol: 'rect' } as const;
const SAME = { name: 'not told apart', colour: seriesColour(7), symbol: 'rect' } as const;
const SLOWER = { name: 'ours is slower', colour: seriesColour(6), symbol: 'rect' } as const;

function verdictOf({ ratio: { low, high } }: RankedPeer) {
  if (low > 1) return FASTER;
  return high < 1 ? SLOWER : SAME;
}

const BOTTOM = 44;
const CAP = 4;

/** Draws the interval as a whisker with the figures beyond its end. */
function whisker(peers: readonly RankedPeer[]): CustomSeriesRenderItem {
  return ({ dataIndex }, api) => {
    const peer = peers[dataIndex];
    if (peer === undefined) return null;
    const { ratio } = peer;
    const [low, high] = [ratio.low, ratio.high].map((value) => api.coord([value, dataIndex]));
    const [[from = 0, y = 0] = [], [to = 0] = []] = [low, high];
    const line = (x1: number, y1: number, x2: number, y2: number) =>
      ({
        type: 'line',
        shape: { x1, y1, x2, y2 },
        style: { stroke: INK, lineWidth: 1.5 },
      }) as const;
    const ends = [from, to].map((x) => line(x, y - CAP, x, y + CAP));
    const at = { text: formatRatio(ratio), x: to + 8, y, verticalAlign: 'middle' } as const;
    const text = { ...at, fill: INK, fontSize: FONT, fontFamily: 'inherit' } as const;
    return {
      type: 'group',
      children: [line(from, y, to, y), ...ends, { type: 'text', style: text }],
    };
  };
}

function rowsOf(peers: readonly RankedPeer[], width: number): BarRows {
  const names = peers.map(({ contestant }) => contestantName(contestant));
  const figures = peers.map(({ ratio }) => textWidth(formatRatio(ratio)));
  const right = Math.max(...figures) + 12;
  return { names, width, top: isNarrow(width) ? 34 : 24, right, bottom: BOTTOM };
}

/** Draws the line where a peer is as fast as ours. */
function evenLine(width: number) {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: MUTED, width: 1, type: 'solid' },
    label: {
      position: 'start',
      distance: isNarrow(width) ? 12 : 5,
      formatter: 'as fast as ours',
      color: MUTED,
      fontSize: FONT,
    },
    data: [{ xAxis: 1 }] as { xAxis: number }[],
  } as const;
}

function optionOf(peers: readonly RankedPeer[], width: number): Option {
  const rows = rowsOf(peers, width);
  const data = peers.map((peer) => ({
    value: peer.ratio.value,
    itemStyle: { color: verdictOf(peer).colour },
  }));
  return {
    ...BASE,
    grid: barsPlot(rows),
    xAxis: { ...valueAxis('x', 'its time / our time'), max: axisEnd(peers) },
    yAxis: nameAxis(rows),
    series: [
      { type: 'bar', data, barWidth: BAR_WIDTH, markLine: evenLine(width) },
      { type: 'custom', data: peers.map((_, i) => i), renderItem: whisker(peers) },
    ],
  };
}

function axisEnd(peers: readonly RankedPeer[]): number {
  return Math.ceil(4 * Math.max(1.25, ...peers.map(({ ratio }) => ratio.high))) / 4;
}

function leftOut(comparison: Comparison): string {
  const ours: Contestant | undefined = comparison.contestants[0];
  const names = orderContestants(comparison)
    .filter((contestant) => contestant !== ours && !isRanked(contestant))
    .map(contestantName);
  return names.length > 0 ? ` Not ranked, for failed parity: ${names.join(', ')}.` : '';
}

/** Returns null if no peer could be ranked. */
export function ratioChart(comparison: Comparison, index: number): Chart | null {
  const peers = rankedPeers(comparison);
  if (peers.length === 0) return null;
  const { batch, device, threads, rounds } = comparison;
  const where = `${oneLine(device)}, ${plural(threads, 'thread')}, ${plural(rounds, 'round')}`;
  return {
    id: `ratio-${index}`,
    title: `Time against ${oursName(comparison)}, batch ${batch}`,
    caption: `On ${where}: each engine’s time divided by ours on the same images, with its 95 % interval; above 1 ours is faster.${leftOut(comparison)}`,
    legend: [FASTER, SAME, SLOWER].filter((one) => peers.some((peer) => verdictOf(peer) === one)),
    full: false,
    height: (width) => barsHeight(rowsOf(peers, width)),
    option: (width) => optionOf(peers, width),
    values: {
      title: comparisonName(comparison),
      columns: columns(['contestant'], ['ratio']),
      rows: peers.map(({ contestant, ratio }) => ({
        cells: [contestantName(contestant), formatRatio(ratio)],
        failed: false,
      })),
      notes: [],
    },
  };
}
