/** Every question and verb of the API that a person needs, one function each. */
import { call } from './http';
import type {
  ApiKey, Asset, Config, Credits, Generation, GenerationRequest, LineItem, Locale, Me, Model, Page,
  Quote, QuoteRequest, Receipt, Session, StatementEntry, Theme, User
} from './types';

export const getConfig = () => call<Config>('GET', '/config');

export const signIn = (body: { email: string; password: string }) =>
  call<{ user: User }>('POST', '/auth/sign-in', { body });
export const signUp = (body: { email: string; password: string; name: string }) =>
  call<{ user: User }>('POST', '/auth/sign-up', { body });
export const signOut = () => call<void>('POST', '/auth/sign-out');
export const becomeFirstAdmin = (body: { token: string; email: string; password: string; name: string }) =>
  call<{ user: User }>('POST', '/auth/first-admin', { body });

export const getMe = () => call<Me>('GET', '/me');
export const patchMe = (body: { name?: string; locale?: Locale | null; theme?: Theme | null }) =>
  call<Me>('PATCH', '/me', { body });
export const changePassword = (body: { current_password: string; new_password: string }) =>
  call<void>('POST', '/me/password', { body });
export const listSessions = () => call<Page<Session>>('GET', '/me/sessions');
export const endSession = (id: string) => call<void>('DELETE', `/me/sessions/${id}`);
export const listApiKeys = () => call<Page<ApiKey>>('GET', '/me/api-keys');
export const makeApiKey = (body: { name: string; scopes?: string[]; expires_in_days?: number }) =>
  call<ApiKey & { key: string }>('POST', '/me/api-keys', { body });
export const revokeApiKey = (id: string) => call<void>('DELETE', `/me/api-keys/${id}`);

export const listModels = () => call<Page<Model>>('GET', '/models');
export const quote = (body: QuoteRequest, signal?: AbortSignal) => call<Quote>('POST', '/quotes', { body, signal });

export type GenerationFilter = {
  status?: string;
  kind?: string;
  model?: string;
  provider?: string;
  q?: string;
  favourite?: boolean;
  cursor?: string | null;
  limit?: number;
};
export const requestGeneration = (body: GenerationRequest) => call<Generation>('POST', '/generations', { body });
export const listGenerations = (query: GenerationFilter, signal?: AbortSignal) =>
  call<Page<Generation>>('GET', '/generations', { query, signal });
export const getGeneration = (id: string) => call<Generation>('GET', `/generations/${id}`);
export const getReceipt = (id: string) => call<Receipt>('GET', `/generations/${id}/receipt`);
export const cancelGeneration = (id: string) => call<Generation>('POST', `/generations/${id}/cancel`);
export const retryGeneration = (id: string) => call<Generation>('POST', `/generations/${id}/retry`);
export const deleteGeneration = (id: string) => call<void>('DELETE', `/generations/${id}`);
export const getLine = () => call<{ items: LineItem[] }>('GET', '/line');

export type AssetFilter = {
  source?: string;
  kind?: string;
  favourite?: boolean;
  cursor?: string | null;
  limit?: number;
};
export function uploadAsset(file: File, signal?: AbortSignal): Promise<Asset> {
  const body = new FormData();
  body.append('file', file, file.name);
  return call<Asset>('POST', '/assets', { body, signal });
}
export const listAssets = (query: AssetFilter, signal?: AbortSignal) =>
  call<Page<Asset>>('GET', '/assets', { query, signal });
export const getAsset = (id: string) => call<Asset>('GET', `/assets/${id}`);
export const patchAsset = (id: string, body: { favourite?: boolean; name?: string }) =>
  call<Asset>('PATCH', `/assets/${id}`, { body });
export const deleteAsset = (id: string) => call<void>('DELETE', `/assets/${id}`);
export const linkAsset = (id: string, expires_in_seconds: number) =>
  call<{ url: string; expires_at: string }>('POST', `/assets/${id}/link`, { body: { expires_in_seconds } });

export const getCredits = () => call<Credits>('GET', '/credits');
export const listStatement = (query: { cursor?: string | null; limit?: number }) =>
  call<Page<StatementEntry>>('GET', '/credits/statement', { query });
