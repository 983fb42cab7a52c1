/** 中文：管理页面。 */
import type { AdminMessages } from '../en/admin';

const admin: AdminMessages = {
  'admin.title': '管理'
};

export default admin;
