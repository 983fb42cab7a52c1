/** What was typed at the door, kept while somebody goes from one of its pages to the other; never in an address. */
export const typed = $state({ who: '' });
