/** The admin's questions and verbs. */
import { call } from './http';
import type {
  AdminModel, AdminUser, AuditEntry, Choices, Credential, CredentialWrite, ModelPatch, Overview, ProbeResult,
  Provider, Review
} from './admin_types';
import type { Balance, Page } from './types';

export const getOverview = () => call<Overview>('GET', '/admin/overview');
export const listAdminModels = () => call<Page<AdminModel>>('GET', '/admin/models');
export const patchModel = (id: string, body: ModelPatch) =>
  call<AdminModel>('PATCH', `/admin/models/${encodeURIComponent(id)}`, { body });
export const listProviders = () => call<Page<Provider>>('GET', '/admin/providers');
export const addCredential = (provider: string, body: CredentialWrite) =>
  call<Credential>('POST', `/admin/providers/${provider}/credentials`, { body });
export const patchCredential = (id: string, body: Partial<CredentialWrite>) =>
  call<Credential>('PATCH', `/admin/credentials/${id}`, { body });
export const deleteCredential = (id: string) => call<void>('DELETE', `/admin/credentials/${id}`);
export const testCredential = (id: string) => call<ProbeResult>('POST', `/admin/credentials/${id}/test`);
export const listUsers = (query: { q?: string; cursor?: string | null; limit?: number }) =>
  call<Page<AdminUser>>('GET', '/admin/users', { query });
export const patchUser = (id: string, body: { role?: 'user' | 'admin'; disabled?: boolean; name?: string }) =>
  call<AdminUser>('PATCH', `/admin/users/${id}`, { body });
export const grantCredits = (id: string, body: { amount_credits: number; reason: string }) =>
  call<Balance>('POST', `/admin/users/${id}/grant`, { body });
export const listReview = () => call<Page<Review>>('GET', '/admin/review');
export const resolveReview = (id: string, body: { resolution: 'failed' | 'check_again'; note: string }) =>
  call<unknown>('POST', `/admin/review/${id}`, { body });
export const getChoices = () => call<Choices>('GET', '/admin/choices');
export const patchChoices = (body: Partial<Choices>) => call<Choices>('PATCH', '/admin/choices', { body });
export const listAudit = (query: { cursor?: string | null }) => call<Page<AuditEntry>>('GET', '/admin/audit', { query });
