/** What only an admin sees. */
import type { Attempt, Generation, Locale, Model, Text } from './types';

export type ProviderState = 'up' | 'degraded' | 'down' | 'unconfigured';
export type Overview = {
  users: number;
  generations_today: number;
  succeeded_today: number;
  failed_today: number;
  running: number;
  queued: number;
  uncertain: number;
  credits_spent_today: number;
  storage_bytes: number;
  providers: { provider: string; state: ProviderState; since: string | null }[];
};
export type AdminModel = Model & {
  override: {
    enabled: boolean | null;
    price: { base_credits: number | null; per_output_credits: number | null } | null;
    visibility: 'everyone' | 'admins' | null;
  } | null;
  default_price: { base_credits: number; per_output_credits: number };
};
export type ModelPatch = {
  enabled?: boolean;
  base_credits?: number;
  per_output_credits?: number;
  visibility?: 'everyone' | 'admins';
  reset?: true;
};
export type CredentialField = {
  name: string;
  label: Text;
  secret: boolean;
  required: boolean;
  default?: string | null;
  help: Text | null;
};
export type Credential = {
  id: string;
  provider: string;
  name: string;
  fields: Record<string, string>;
  enabled: boolean;
  weight: number;
  max_concurrent: number;
  allow_private_hosts: boolean;
  managed_by: null | 'sandbox';
  health: { state: ProviderState; since: string | null; last_error: string | null };
  in_flight: number;
};
export type CredentialWrite = {
  name: string;
  fields: Record<string, string>;
  enabled: boolean;
  weight: number;
  max_concurrent: number;
  allow_private_hosts: boolean;
};
export type Provider = {
  provider: string;
  title: string;
  credential_fields: CredentialField[];
  credentials: Credential[];
};
export type ProbeResult = { ok: boolean; latency_ms: number | null; account: string | null; problem: string | null };
export type AdminUser = {
  id: string;
  email: string;
  name: string;
  role: 'user' | 'admin';
  disabled: boolean;
  created_at: string;
  last_seen_at: string | null;
  available: number;
  held: number;
  spent: number;
};
export type Review = Generation & { user_email: string; attempts: Attempt[] };
export type Choices = {
  sign_up_open: boolean;
  welcome_credits: number;
  studio_name: string;
  default_locale: Locale;
};
export type AuditEntry = {
  id: string;
  actor_email: string | null;
  action: string;
  target: string | null;
  before: unknown;
  after: unknown;
  created_at: string;
  ip: string | null;
};
