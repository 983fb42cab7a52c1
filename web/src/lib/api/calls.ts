/** Every question and verb of the API that a person needs, one function each. */
import { client, take } from './http';
import type { paths } from './schema';
import type {
  ApiKey, Asset, CodePurpose, CodeSent, Config, Credits, Generation, GenerationRequest, Locale, Me, Model, Page, Quote, QuoteRequest, Receipt,
  NewOrder, Offers, Order, PlacedOrder, Redeemed, Scope, Session, StatementEntry, Theme, User
} from './types';

type QueryOf<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : never;

export const getConfig = () => take<Config>(client.GET('/api/v1/config'));

export const signIn = (body: { email: string; password: string }) =>
  take<{ user: User }>(client.POST('/api/v1/auth/sign-in', { body }));
export const signUp = (body: { email: string; password: string; name: string }) =>
  take<{ user: User }>(client.POST('/api/v1/auth/sign-up', { body }));
export const signOut = () => take<void>(client.POST('/api/v1/auth/sign-out'));
export const becomeFirstAdmin = (body: { token: string; email: string; password: string; name: string }) =>
  take<{ user: User }>(client.POST('/api/v1/auth/first-admin', { body }));

export const sendCode = (body: { phone: string; purpose: CodePurpose }) => take<CodeSent>(client.POST('/api/v1/auth/codes', { body }));
export const signInByPhone = (body: { phone: string; code: string }) =>
  take<{ user: User }>(client.POST('/api/v1/auth/sign-in/phone', { body }));
export const signUpByPhone = (body: { phone: string; code: string; name: string }) =>
  take<{ user: User }>(client.POST('/api/v1/auth/sign-up/phone', { body }));

export const confirmMe = (body: { password: string } | { code: string }) => take<void>(client.POST('/api/v1/me/confirm', { body }));
export const bindPhone = (body: { phone: string; code: string }) => take<{ user: User }>(client.PUT('/api/v1/me/phone', { body }));
export const unbindPhone = () => take<{ user: User }>(client.DELETE('/api/v1/me/phone'));
export const bindEmail = (body: { email: string; new_password?: string }) => take<{ user: User }>(client.PUT('/api/v1/me/email', { body }));
export const unbindEmail = () => take<{ user: User }>(client.DELETE('/api/v1/me/email'));

export const getMe = () => take<Me>(client.GET('/api/v1/me'));
export const patchMe = (body: { name?: string; locale?: Locale | null; theme?: Theme | null }) =>
  take<{ user: User }>(client.PATCH('/api/v1/me', { body }));
export const changePassword = (body: { current_password: string; new_password: string }) =>
  take<void>(client.POST('/api/v1/me/password', { body }));
export const listSessions = () => take<Page<Session>>(client.GET('/api/v1/me/sessions'));
export const endSession = (session_id: string) =>
  take<void>(client.DELETE('/api/v1/me/sessions/{session_id}', { params: { path: { session_id } } }));
export const listApiKeys = () => take<Page<ApiKey>>(client.GET('/api/v1/me/api-keys'));
export const makeApiKey = (body: { name: string; scopes: Scope[]; expires_in_days?: number }) =>
  take<ApiKey & { key: string }>(client.POST('/api/v1/me/api-keys', { body }));
export const revokeApiKey = (key_id: string) =>
  take<void>(client.DELETE('/api/v1/me/api-keys/{key_id}', { params: { path: { key_id } } }));

export const listModels = () => take<Page<Model>>(client.GET('/api/v1/models'));
export const quote = (body: QuoteRequest, signal?: AbortSignal) => take<Quote>(client.POST('/api/v1/quotes', { body, signal }));

export type GenerationFilter = QueryOf<'/api/v1/generations'>;
export const requestGeneration = (body: GenerationRequest) => take<Generation>(client.POST('/api/v1/generations', { body }));
export const listGenerations = (query: GenerationFilter, signal?: AbortSignal) =>
  take<Page<Generation>>(client.GET('/api/v1/generations', { params: { query: given(query) }, signal }));
const generation = (generation_id: string) => ({ params: { path: { generation_id } } });
export const getGeneration = (id: string) =>
  take<Generation>(client.GET('/api/v1/generations/{generation_id}', generation(id)));
export const getReceipt = (id: string) =>
  take<Receipt>(client.GET('/api/v1/generations/{generation_id}/receipt', generation(id)));
export const cancelGeneration = (id: string) =>
  take<Generation>(client.POST('/api/v1/generations/{generation_id}/cancel', generation(id)));
export const retryGeneration = (id: string) =>
  take<Generation>(client.POST('/api/v1/generations/{generation_id}/retry', generation(id)));
export const deleteGeneration = (id: string) =>
  take<void>(client.DELETE('/api/v1/generations/{generation_id}', generation(id)));

export type AssetFilter = QueryOf<'/api/v1/assets'>;
const asset = (asset_id: string) => ({ params: { path: { asset_id } } });
/** Of a mask that was painted over a picture the server is told so: it is none of the person's pictures. */
export function uploadAsset(file: File, role?: Asset['role']): Promise<Asset> {
  const form = new FormData();
  form.append('file', file, file.name);
  // The schema can only say that the part is a string; the browser writes the multipart body itself.
  return take<Asset>(client.POST('/api/v1/assets', { params: { query: { role } }, body: { file: file.name }, bodySerializer: () => form }));
}
export const listAssets = (query: AssetFilter, signal?: AbortSignal) =>
  take<Page<Asset>>(client.GET('/api/v1/assets', { params: { query: given(query) }, signal }));
export const getAsset = (id: string) => take<Asset>(client.GET('/api/v1/assets/{asset_id}', asset(id)));
export const patchAsset = (id: string, body: { favourite?: boolean; name?: string }) =>
  take<Asset>(client.PATCH('/api/v1/assets/{asset_id}', { ...asset(id), body }));
export const deleteAsset = (id: string) => take<void>(client.DELETE('/api/v1/assets/{asset_id}', asset(id)));

export const getCredits = () => take<Credits>(client.GET('/api/v1/credits'));
export const listStatement = (query: QueryOf<'/api/v1/credits/statement'>) =>
  take<Page<StatementEntry>>(client.GET('/api/v1/credits/statement', { params: { query: given(query) } }));

export const redeemCode = (code: string) => take<Redeemed>(client.POST('/api/v1/credits/redemptions', { body: { code } }));
export const getOffers = () => take<Offers>(client.GET('/api/v1/credits/offers'));
export const listOrders = (query: QueryOf<'/api/v1/credits/orders'>) =>
  take<Page<Order>>(client.GET('/api/v1/credits/orders', { params: { query: given(query) } }));
/** The same order again is the same order: it says once more where to pay. */
export const placeOrder = (body: NewOrder) => take<PlacedOrder>(client.POST('/api/v1/credits/orders', { body }));
const order = (order_id: string) => ({ params: { path: { order_id } } });
export const getOrder = (id: string) => take<Order>(client.GET('/api/v1/credits/orders/{order_id}', order(id)));
/** Has the house ask the gateway now. */
export const lookAtOrder = (id: string) => take<Order>(client.POST('/api/v1/credits/orders/{order_id}/look', order(id)));

/** Leaves out what was not asked: an empty word is no search, and null is no cursor. */
export function given<Q extends object>(query: Q): Q {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '')) as Q;
}
