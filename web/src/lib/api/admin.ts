/** The admin's questions and verbs. */
import type {
  AdminModel, AdminUser, AuditEntry, BrokenModel, Choices, Credential, CredentialPatch, CredentialWrite, Days, Entry, Metrics,
  ModelPatch, Overview, ProbeResult, Proposal, ProposalRequest, Provider, Review, Sms, SmsDraft, SmsTest, Templates, UserPatch
} from './admin_types';
import { given } from './calls';
import type { components } from './schema';
import { client, take } from './http';
import type { Balance, Generation, Model, Page } from './types';

type Declared = components['schemas']['Entry'];
type Paged = { cursor?: string | null; limit?: number };
const credential = (credential_id: string) => ({ params: { path: { credential_id } } });
const user = (user_id: string) => ({ params: { path: { user_id } } });

export const getOverview = () => take<Overview>(client.GET('/api/v1/admin/overview'));
export const listAdminModels = () => take<{ items: AdminModel[]; broken: BrokenModel[] }>(client.GET('/api/v1/admin/models'));
export const patchModel = (model: string, body: ModelPatch) =>
  take<AdminModel>(client.PATCH('/api/v1/admin/models/{model}', { params: { path: { model } }, body }));
const model = (id: string) => ({ params: { path: { model: id } } });
export const listTemplates = () => take<Templates>(client.GET('/api/v1/admin/models/templates'));
export const proposeModel = (body: ProposalRequest) => take<Proposal>(client.POST('/api/v1/admin/models/proposals', { body }));
export const previewModel = (body: Entry) => take<Model>(client.POST('/api/v1/admin/models/previews', { body: body as Declared }));
export const addModel = (body: Entry) => take<AdminModel>(client.POST('/api/v1/admin/models', { body: body as Declared }));
export const replaceModel = (id: string, body: Entry) =>
  take<AdminModel>(client.PUT('/api/v1/admin/models/{model}', { ...model(id), body: body as Declared }));
export const deleteModel = (id: string) => take<void>(client.DELETE('/api/v1/admin/models/{model}', model(id)));
export const exportModel = (id: string) => take<Entry>(client.GET('/api/v1/admin/models/{model}/entry', model(id)));
export const listMetrics = (days: Days) => take<Metrics>(client.GET('/api/v1/admin/models/metrics', { params: { query: { days } } }));
export const listProviders = () => take<Page<Provider>>(client.GET('/api/v1/admin/providers'));
export const addCredential = (provider: string, body: CredentialWrite) =>
  take<Credential>(client.POST('/api/v1/admin/providers/{provider}/credentials', { params: { path: { provider } }, body }));
export const patchCredential = (id: string, body: CredentialPatch) =>
  take<Credential>(client.PATCH('/api/v1/admin/credentials/{credential_id}', { ...credential(id), body }));
export const deleteCredential = (id: string) =>
  take<void>(client.DELETE('/api/v1/admin/credentials/{credential_id}', credential(id)));
export const testCredential = (id: string) =>
  take<ProbeResult>(client.POST('/api/v1/admin/credentials/{credential_id}/test', credential(id)));
export const listUsers = (query: Paged & { q?: string }) =>
  take<Page<AdminUser>>(client.GET('/api/v1/admin/users', { params: { query: given(query) } }));
export const patchUser = (id: string, body: UserPatch) =>
  take<AdminUser>(client.PATCH('/api/v1/admin/users/{user_id}', { ...user(id), body }));
export const grantCredits = (id: string, body: { amount_credits: number; reason: string }) =>
  take<Balance>(client.POST('/api/v1/admin/users/{user_id}/grant', { ...user(id), body }));
export const listReview = () => take<Page<Review>>(client.GET('/api/v1/admin/review'));
export const resolveReview = (generation_id: string, body: { resolution: 'failed' | 'check_again'; note: string }) =>
  take<Generation>(client.POST('/api/v1/admin/review/{generation_id}', { params: { path: { generation_id } }, body }));
export const getChoices = () => take<Choices>(client.GET('/api/v1/admin/choices'));
export const patchChoices = (body: Partial<Choices>) => take<Choices>(client.PATCH('/api/v1/admin/choices', { body }));
export const getSms = () => take<Sms>(client.GET('/api/v1/admin/sms'));
export const putSms = (body: SmsDraft) => take<Sms>(client.PUT('/api/v1/admin/sms', { body }));
export const testSms = () => take<SmsTest>(client.POST('/api/v1/admin/sms/test'));
export const listAudit = (query: Paged) =>
  take<Page<AuditEntry>>(client.GET('/api/v1/admin/audit', { params: { query: given(query) } }));
