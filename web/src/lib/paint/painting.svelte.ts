/** A mask while it is being painted: its steps, the tool in hand, and the PNG that comes out of it. */
import { brushWidth, drawStep, opaqueShare, withoutLast, type Size, type Step } from './steps';

const SAMPLE_PIXELS = 64;
const FIRST_SHARE = 0.08;

export type Tool = 'brush' | 'eraser';

export class Painting {
  steps = $state.raw<Step[]>([]);
  tool = $state<Tool>('brush');
  /** The width of the brush as a share of the picture's longer side. */
  share = $state(FIRST_SHARE);
  /** How much of the picture will change, from 0 to 1. */
  covered = $state(0);
  readonly size: Size;

  constructor(size: Size, steps: Step[] = []) {
    this.size = size;
    this.steps = steps;
    this.#measure();
  }

  brush: number = $derived.by(() => brushWidth(this.share, this.size));

  add(step: Step): void {
    this.steps = [...this.steps, step];
    this.#measure();
  }

  undo(): void {
    this.steps = withoutLast(this.steps);
    this.#measure();
  }

  /** Black and white, as large as the picture: white is where it changes. */
  async png(name: string): Promise<File> {
    const { canvas, board } = boardOf(this.size);
    for (const step of this.steps) drawStep(board, step, this.size, 1, '#fff');
    board.globalCompositeOperation = 'destination-over';
    board.fillStyle = '#000';
    board.fillRect(0, 0, this.size.width, this.size.height);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
    if (!blob) throw new Error('The browser could not write the mask as a picture.');
    return new File([blob], name, { type: 'image/png' });
  }

  #measure(): void {
    const scale = SAMPLE_PIXELS / Math.max(this.size.width, this.size.height);
    const size = { width: Math.max(1, Math.round(this.size.width * scale)), height: Math.max(1, Math.round(this.size.height * scale)) };
    const { board } = boardOf(size);
    for (const step of this.steps) drawStep(board, step, size, scale, '#fff');
    this.covered = opaqueShare(board.getImageData(0, 0, size.width, size.height).data);
  }
}

function boardOf(size: Size): { canvas: HTMLCanvasElement; board: CanvasRenderingContext2D } {
  const canvas = document.createElement('canvas');
  canvas.width = size.width;
  canvas.height = size.height;
  const board = canvas.getContext('2d', { willReadFrequently: true });
  if (!board) throw new Error('This browser has no canvas to paint on.');
  return { canvas, board };
}
