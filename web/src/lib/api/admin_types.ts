/** What only an admin sees, by the names the app uses. */
import type { components } from './schema';
import type { Generation, Param } from './types';

type Schemas = components['schemas'];

export type Overview = Schemas['OverviewView'];
export type ProviderState = Schemas['ProviderStateView']['state'];
export type AdminModel = Omit<Schemas['AdminModelView'], 'params'> & { params: Param[] };
export type ModelPatch = Schemas['OverridePatch'];
export type Provider = Schemas['ProviderView'];
export type CredentialField = Schemas['CredentialFieldView'];
export type Credential = Schemas['CredentialView'];
export type CredentialWrite = Schemas['CredentialDraft'];
export type CredentialPatch = Schemas['CredentialPatch'];
export type ProbeResult = Schemas['TestView'];
export type AdminUser = Schemas['UserWithBalanceView'];
export type UserPatch = Schemas['UserPatch'];
export type Review = Omit<Schemas['ReviewView'], 'generation'> & { generation: Generation };
export type Choices = Required<Schemas['Choices']>;
export type AuditEntry = Schemas['AuditView'];
