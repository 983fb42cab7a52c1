/** The admin's questions and verbs. */
import type {
  AdminModel, AdminOrder, AdminPackage, AdminUser, AuditEntry, CodePatch, CodesAsked, CodeState, Gateway, GatewayPatch, GatewayTest,
  MadeCodes, NewCodes, NewPackage, OrderStatus, PackagePatch, RedemptionCode, BrokenModel, Choices, Credential, CredentialPatch, CredentialWrite, Days, Entry, Metrics,
  ModelPatch, Overview, ProbeResult, Proposal, ProposalRequest, Provider, Review, Sms, SmsDraft, SmsTest, Storage, StorageDraft,
  StorageHeld, StorageMove, StorageTest, Templates, UserPatch
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
export const getStorage = () => take<Storage>(client.GET('/api/v1/admin/storage'));
export const putStorage = (body: StorageDraft) => take<Storage>(client.PUT('/api/v1/admin/storage', { body }));
export const testStorage = (body: StorageDraft) => take<StorageTest>(client.POST('/api/v1/admin/storage/test', { body }));
export const listHeld = () => take<Page<StorageHeld>>(client.GET('/api/v1/admin/storage/files'));
export const moveFiles = () => take<StorageMove>(client.POST('/api/v1/admin/storage/move'));
export const stopMove = () => take<void>(client.DELETE('/api/v1/admin/storage/move'));
export const forgetPlace = (place_id: string) =>
  take<void>(client.DELETE('/api/v1/admin/storage/places/{place_id}', { params: { path: { place_id } } }));
type CodeFilter = Paged & { batch_id?: string | null; state?: CodeState | null; ending?: string };
const code = (code_id: string) => ({ params: { path: { code_id } } });
const batch = (batch_id: string) => ({ params: { path: { batch_id } } });
export const listCodes = (query: CodeFilter) =>
  take<Page<RedemptionCode>>(client.GET('/api/v1/admin/redemption-codes', { params: { query: given(query) } }));
export const makeCodes = (body: NewCodes) => take<MadeCodes>(client.POST('/api/v1/admin/redemption-codes', { body }));
export const exportCodes = (body: CodesAsked) =>
  take<string>(client.POST('/api/v1/admin/redemption-codes/export', { body, parseAs: 'text' }));
export const patchCode = (id: string, body: CodePatch) =>
  take<RedemptionCode>(client.PATCH('/api/v1/admin/redemption-codes/{code_id}', { ...code(id), body }));
export const deleteCode = (id: string) => take<void>(client.DELETE('/api/v1/admin/redemption-codes/{code_id}', code(id)));
export const patchBatch = (id: string, body: CodePatch) =>
  take<{ changed: number }>(client.PATCH('/api/v1/admin/redemption-batches/{batch_id}', { ...batch(id), body }));
export const deleteBatch = (id: string) =>
  take<{ changed: number }>(client.DELETE('/api/v1/admin/redemption-batches/{batch_id}', batch(id)));
const pack = (package_id: string) => ({ params: { path: { package_id } } });
export const listPackages = () => take<{ items: AdminPackage[] }>(client.GET('/api/v1/admin/packages'));
export const addPackage = (body: NewPackage) => take<AdminPackage>(client.POST('/api/v1/admin/packages', { body }));
export const patchPackage = (id: string, body: PackagePatch) =>
  take<AdminPackage>(client.PATCH('/api/v1/admin/packages/{package_id}', { ...pack(id), body }));
export const deletePackage = (id: string) => take<void>(client.DELETE('/api/v1/admin/packages/{package_id}', pack(id)));
export const listAllOrders = (query: Paged & { status?: OrderStatus | null }) =>
  take<Page<AdminOrder>>(client.GET('/api/v1/admin/orders', { params: { query: given(query) } }));
export const getGateway = () => take<Gateway>(client.GET('/api/v1/admin/payment-gateway'));
export const patchGateway = (body: GatewayPatch) => take<Gateway>(client.PATCH('/api/v1/admin/payment-gateway', { body }));
export const testGateway = () => take<GatewayTest>(client.POST('/api/v1/admin/payment-gateway/test'));
export const listAudit = (query: Paged) =>
  take<Page<AuditEntry>>(client.GET('/api/v1/admin/audit', { params: { query: given(query) } }));
