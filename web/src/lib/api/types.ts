/** What the server sends and takes, by the names of its API. Times are RFC 3339 UTC strings, ids are UUIDs. */

export type Locale = 'en' | 'zh';
export type Theme = 'paper' | 'ink';
export type Text = { en: string; zh: string };
export type Page<T> = { items: T[]; next: string | null; cursor?: number };

export type Config = {
  name: string;
  version: string;
  locale_default: Locale;
  sign_up_open: boolean;
  needs_first_admin: boolean;
  sandbox: boolean;
  sign_in_methods: string[];
  max_upload_bytes: number;
};

export type User = {
  id: string;
  email: string;
  name: string;
  role: 'user' | 'admin';
  locale: Locale | null;
  theme: Theme | null;
  created_at: string;
};
export type Balance = { available: number; held: number };
export type Me = { user: User; credits: Balance };
export type Session = {
  id: string;
  created_at: string;
  last_used_at: string | null;
  user_agent: string | null;
  ip: string | null;
  current: boolean;
};
export type ApiKey = {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
};

export type ParamControl = 'ratio' | 'slider' | 'segmented' | 'seed' | 'switch' | 'text' | 'select' | 'size';
export type ParamValue = string | number | boolean | null | { width: number; height: number };
export type Choice = { value: string | number; label: Text; aspect?: number | null };
export type Param = {
  name: string;
  type: 'integer' | 'number' | 'string' | 'boolean' | 'choice' | 'size';
  label: Text;
  help: Text | null;
  default: ParamValue;
  minimum?: number | null;
  maximum?: number | null;
  step?: number | null;
  choices?: Choice[] | null;
  unit?: string | null;
  control: ParamControl;
  advanced: boolean;
};
export type InputSlot = {
  role: string;
  label: Text;
  minimum: number;
  maximum: number;
  content_types: string[];
  max_bytes: number;
};
export type Model = {
  id: string;
  name: Text;
  about: Text;
  provider: string;
  provider_title: string;
  makes: 'image' | 'video';
  aliases: string[];
  enabled: boolean;
  available: boolean;
  unavailable_reason: null | 'no_credential' | 'disabled';
  typical_seconds: number;
  deadline_seconds: number;
  prompt: { required: boolean; max_chars: number } | null;
  params: Param[];
  params_schema: Record<string, unknown>;
  inputs: InputSlot[];
  outputs_param: string | null;
  price: { base_credits: number; per_output_credits: number; from_credits: number };
  follow_ups: { label: Text; input_role: string }[];
};

export type Params = Record<string, ParamValue>;
export type InputRef = { role: string; asset_id: string; weight?: number | null };
export type QuoteRequest = { model: string; prompt?: string; params: Params; inputs: InputRef[] };
export type Quote = {
  price_credits: number;
  available_credits: number;
  missing_credits: number;
  expected_outputs: number;
  typical_seconds: number;
};

export type Status =
  | 'queued'
  | 'submitting'
  | 'running'
  | 'storing'
  | 'succeeded'
  | 'failed'
  | 'canceled'
  | 'uncertain';
export type Failure = {
  code: string;
  whose: 'user' | 'wait' | 'admin' | 'maintainer';
  detail: string;
  vendor_message: string | null;
  returned_credits: number;
};
export type Asset = {
  id: string;
  kind: 'image' | 'video' | 'audio';
  content_type: string;
  width: number | null;
  height: number | null;
  size_bytes: number;
  duration_seconds: number | null;
  thumbhash: string | null;
  source: 'made' | 'uploaded';
  generation_id: string | null;
  favourite: boolean;
  name: string;
  actions: unknown[];
  created_at: string;
  urls: { full: string; thumbnail: string; download: string };
};
export type Generation = {
  id: string;
  model: string;
  model_name: Text;
  provider: string;
  kind: 'image' | 'video';
  status: Status;
  prompt: string;
  params: Params;
  inputs: InputRef[];
  parent_id: string | null;
  price_credits: number;
  settled_credits: number | null;
  attempt: number;
  expected_outputs: number;
  aspect: number | null;
  progress: { percent: number | null; queue_position: number | null };
  typical_seconds: number;
  failure: Failure | null;
  assets: Asset[];
  cancel_requested: boolean;
  can_cancel: boolean;
  can_retry: boolean;
  created_at: string;
  submitted_at: string | null;
  finished_at: string | null;
  deadline_at: string | null;
  version: number;
};
export type GenerationRequest = {
  id: string;
  model: string;
  prompt: string;
  params: Params;
  inputs: InputRef[];
  parent_id?: string | null;
};
export type Attempt = {
  n: number;
  provider: string;
  credential: string | null;
  status: string;
  submitted_at: string | null;
  ended_at: string | null;
  failure: Failure | string | null;
};
export type EntryKind = 'grant' | 'hold' | 'settle' | 'release' | 'take' | 'expire';
export type StatementEntry = {
  id: string;
  kind: EntryKind;
  amount_credits: number;
  available_delta: number;
  available_after: number;
  held_after: number;
  generation_id: string | null;
  reason: string | null;
  created_at: string;
};
export type Receipt = { entries: StatementEntry[]; attempts: Attempt[] };
export type Credits = Balance & { spent: number; granted: number; expired: number };
export type LineItem = { generation_id: string; place: number; estimate_seconds: number | null };

/** Every event of /events by name; the numbered ones move the cursor. */
export type Events = {
  'generation.changed': Generation;
  'generation.deleted': { id: string };
  'asset.changed': Asset;
  'asset.deleted': { id: string };
  'credits.changed': Balance;
  line: { items: LineItem[] };
  reset: Record<string, never>;
};
export type EventName = keyof Events;
export type LiveEvent = { [N in EventName]: { name: N; data: Events[N] } }[EventName];
