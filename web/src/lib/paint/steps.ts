/** A mask as the steps it was painted in, in pixels of the picture beneath: any size can be drawn from them. */
export type Point = { x: number; y: number };
export type Stroke = { kind: 'stroke'; erases: boolean; width: number; points: Point[] };
export type Step = Stroke | { kind: 'invert' } | { kind: 'clear' };

/** What is needed of a canvas, so that the drawing can be tested without one. */
export type Board = Pick<
  CanvasRenderingContext2D,
  'globalCompositeOperation' | 'fillStyle' | 'strokeStyle' | 'lineWidth' | 'lineCap' | 'lineJoin' |
  'beginPath' | 'moveTo' | 'lineTo' | 'arc' | 'stroke' | 'fill' | 'fillRect' | 'clearRect'
>;
export type Size = { width: number; height: number };

/**
 * Draws one step onto what the earlier ones left. The mask is in the alpha: opaque is where the picture
 * changes. `size` is the board's own; `scale` is board pixels for one pixel of the picture.
 */
export function drawStep(on: Board, step: Step, size: Size, scale: number, colour: string | CanvasPattern): void {
  on.fillStyle = colour;
  on.strokeStyle = colour;
  if (step.kind === 'clear') return on.clearRect(0, 0, size.width, size.height);
  if (step.kind === 'invert') {
    // Two opaque areas extinguish each other: what was painted becomes free, and the rest painted.
    on.globalCompositeOperation = 'xor';
    return on.fillRect(0, 0, size.width, size.height);
  }
  drawLine(on, step, step.points, scale);
}

/** The newest piece of a stroke that is still being drawn; round ends make the pieces one line. */
export function drawLine(on: Board, stroke: Stroke, points: Point[], scale: number): void {
  const [first, ...rest] = points;
  if (!first) return;
  on.globalCompositeOperation = stroke.erases ? 'destination-out' : 'source-over';
  on.beginPath();
  if (rest.length === 0) {
    on.arc(first.x * scale, first.y * scale, (stroke.width * scale) / 2, 0, 2 * Math.PI);
    return on.fill();
  }
  on.lineWidth = stroke.width * scale;
  on.lineCap = 'round';
  on.lineJoin = 'round';
  on.moveTo(first.x * scale, first.y * scale);
  for (const point of rest) on.lineTo(point.x * scale, point.y * scale);
  on.stroke();
}

/** The steps without the last one. Nothing is left of an empty painting to take back. */
export const withoutLast = (steps: Step[]): Step[] => steps.slice(0, -1);

/** How wide a brush is that takes `share` (0 to 1) of the longer side, in pixels of the picture. */
export const brushWidth = (share: number, size: Size): number => Math.max(1, Math.round(share * Math.max(size.width, size.height)));

/** The share of opaque pixels in RGBA bytes, from 0 to 1. */
export function opaqueShare(rgba: Uint8ClampedArray): number {
  let sum = 0;
  for (let at = 3; at < rgba.length; at += 4) sum += rgba[at]!;
  return rgba.length ? sum / (255 * (rgba.length / 4)) : 0;
}
