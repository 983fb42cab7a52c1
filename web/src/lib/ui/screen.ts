/** What kind of screen this is, for the few places where layout alone cannot say it. */
import { MediaQuery } from 'svelte/reactivity';

export const phone = new MediaQuery('max-width: 767px');
