/** English: library, viewer, one generation, credits, settings. */
export const pages = {
  'library.title': 'Library'
};
