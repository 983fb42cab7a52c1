/** The places of the house, as data: the rail and the phone's bar draw the same list. */
import type { User } from '#lib/api/types.ts';
import type { Key } from '#lib/i18n/index.svelte.ts';
import type { IconName } from './icons';

export type Place = { href: string; title: Key; icon: IconName; when?: (user: User) => boolean };

export const places: Place[] = [
  { href: '/create', title: 'nav.create', icon: 'brush' },
  { href: '/library', title: 'nav.library', icon: 'pictures' },
  { href: '/credits', title: 'nav.credits', icon: 'coin' },
  { href: '/settings', title: 'nav.settings', icon: 'gear' },
  { href: '/admin', title: 'nav.admin', icon: 'shield', when: (user) => user.role === 'admin' }
];

export const isAt = (path: string, href: string): boolean => path === href || path.startsWith(`${href}/`);
