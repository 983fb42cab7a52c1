/** What only an admin sees, by the names the app uses. */
import type { components } from './schema';
import type { Generation, Param, ParamValue, Text } from './types';

type Schemas = components['schemas'];

export type Overview = Schemas['OverviewView'];
export type ProviderState = Schemas['ProviderStateView']['state'];
export type BrokenModel = Schemas['BrokenModelView'];
export type AdminModel = Omit<Schemas['AdminModelView'], 'params'> & { params: Param[] };
export type Templates = Schemas['TemplateList'];
export type Template = Schemas['TemplateView'];
export type Finding = Schemas['FindingView'];
/** A whole catalog entry, as it is declared: what an admin edits and sends back. */
export type Entry = Omit<Required<Schemas['Entry']>, 'params' | 'inputs'> & { params: DeclaredParam[]; inputs: DeclaredInput[] };
export type DeclaredInput = Required<NonNullable<Schemas['Entry']['inputs']>[number]>;
/** A parameter as it is declared; which limits it has depends on its type. */
export type DeclaredParam = {
  type: Param['type'];
  name: string;
  label: Text;
  help?: Text | null;
  default?: ParamValue;
  minimum?: number;
  maximum?: number;
  step?: number;
  max_length?: number;
  choices?: { value: string; label: Text; aspect?: number | null }[];
  unit?: string | null;
  control?: Param['control'] | null;
  advanced?: boolean;
  optional?: boolean;
};
export type Proposal = Omit<Schemas['ProposalView'], 'entry' | 'spare'> & { entry: Entry | null; spare: DeclaredParam[] };
export type ProposalRequest = Schemas['ProposalBody'];
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
export type Sms = Schemas['SmsView'];
export type SmsDraft = Schemas['SmsDraft'];
export type SmsTest = Schemas['SmsTest'];
export type RedemptionCode = Schemas['RedemptionCodeView'];
export type CodeState = RedemptionCode['state'];
export type NewCodes = Schemas['NewCodes'];
export type MadeCodes = Schemas['NewCodesView'];
export type CodePatch = Schemas['CodePatch'];
export type CodesAsked = Schemas['CodesAsked'];
export type AdminPackage = Schemas['AdminPackageView'];
export type NewPackage = Schemas['NewPackage'];
export type PackagePatch = Schemas['PackagePatch'];
export type AdminOrder = Schemas['AdminOrderView'];
export type OrderStatus = AdminOrder['status'];
export type Gateway = Schemas['GatewayView'];
export type GatewayPatch = Schemas['GatewayPatch'];
export type GatewayTest = Schemas['GatewayTestView'];
export type AuditEntry = Schemas['AuditView'];
export type Metrics = Schemas['ModelMetricsList'];
export type ModelMetrics = Schemas['ModelMetricsView'];
export type Days = 1 | 7 | 30;
