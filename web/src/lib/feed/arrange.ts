/**
 * Lays the pictures of one generation into a width: as many columns as show them largest without the
 * whole growing taller than `maxHeight`; on a narrow screen pairs over the full width. Pure; all in pixels.
 */
export type Arrangement = { columns: number; width: number; height: number };

export function arrange(count: number, aspect: number, width: number, maxHeight: number, gap = 8): Arrangement {
  if (width < 600 && count > 1) return pairs(count, aspect, width, gap);
  let best: Arrangement = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    // A ragged last row of one looks like a mistake; only the single column may have it.
    if (columns > 1 && rows > 1 && count % columns === 1) continue;
    const byWidth = (width - gap * (columns - 1)) / columns;
    const byHeight = ((maxHeight - gap * (rows - 1)) / rows) * aspect;
    const box = Math.max(1, Math.min(byWidth, byHeight));
    if (box > best.width) best = { columns, width: box, height: box / aspect };
  }
  return { columns: best.columns, width: Math.floor(best.width), height: Math.floor(best.height) };
}

function pairs(count: number, aspect: number, width: number, gap: number): Arrangement {
  const columns = aspect >= 2 ? 1 : 2;
  const box = (width - gap * (columns - 1)) / columns;
  return { columns, width: Math.floor(box), height: Math.floor(box / aspect) };
}

const LINE_PIXELS = { audio: { width: 560, height: 104 }, text: { width: 672, height: 88 } };

/** The boxes of what a generation makes: pictures and films by their shape; sound and words have none, and stand in lines. */
export function arrangeKind(kind: string, count: number, aspect: number, width: number, maxHeight: number): Arrangement {
  if (kind !== 'audio' && kind !== 'text') return arrange(count, aspect, width, maxHeight);
  const line = LINE_PIXELS[kind];
  return { columns: 1, width: Math.floor(Math.min(width, line.width)), height: line.height };
}
