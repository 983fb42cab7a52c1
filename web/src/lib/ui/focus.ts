/**
 * Remembers what had the focus; the answer gives it back, unless it went somewhere of its own accord. The browser
 * does so for a dialog that is closed, and not for one that is taken off the page while it is open.
 */
export function keepFocus(): () => void {
  const before = document.activeElement;
  return () => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (lost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  };
}
