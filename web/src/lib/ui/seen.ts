/** A Svelte action: calls back whenever the element comes near the screen, as long as it is there. */
export function whenSeen(element: HTMLElement, then: () => unknown): { destroy: () => void } {
  const observer = new IntersectionObserver(
    async ([entry]) => {
      if (!entry?.isIntersecting) return;
      // Watching anew after the answer asks again when the new page left the element still in view.
      observer.unobserve(element);
      await then();
      observer.observe(element);
    },
    { rootMargin: '800px' }
  );
  observer.observe(element);
  return { destroy: () => observer.disconnect() };
}
