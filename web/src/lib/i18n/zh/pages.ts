/** 中文：作品、查看器、详情、点数、设置。 */
import type { pages as en } from '../en/pages';

export const pages: Record<keyof typeof en, string> = {
  'library.title': '作品'
};
