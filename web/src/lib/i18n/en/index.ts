/** The catalogue everybody needs; the admin's words come with the admin's pages. */
import { errors } from './errors';
import { pages } from './pages';
import { studio } from './studio';

const words = { ...studio, ...pages, ...errors };

export type Messages = typeof words;
export default words;
