/** English: the admin's pages. */
const admin = {
  'admin.title': 'Admin'
};

export type AdminMessages = typeof admin;
export default admin;
