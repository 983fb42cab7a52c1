/**
 * The names the app uses for what the server sends, taken from the generated schema. Where the schema
 * leaves a value open (a parameter's value is any JSON), it is narrowed here to what the app understands.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Locale = 'en' | 'zh';
export type Theme = 'paper' | 'ink';
export type Text = Schemas['TextView'];
export type Page<T> = { items: T[]; next: string | null; cursor?: number };

export type Config = Schemas['ConfigView'];
export type User = Schemas['UserView'];
export type Me = Schemas['MeView'];
export type Balance = Schemas['CreditsGlance'];
export type CodePurpose = Schemas['CodeRequest']['purpose'];
export type CodeSent = Schemas['CodeSent'];
export type Session = Schemas['SessionView'];
export type ApiKey = Schemas['ApiKeyView'];
export type Scope = ApiKey['scopes'][number];

export type ParamValue = string | number | boolean | null | { width: number; height: number };
export type Params = Record<string, ParamValue>;
export type Choice = Schemas['ChoiceView'];
export type Param = Omit<Schemas['ParamView'], 'default'> & { default: ParamValue };
export type ParamControl = Param['control'];
export type InputSlot = Schemas['vermilion__catalog__views__InputView'];
export type Price = Schemas['PriceView'];
export type Model = Omit<Schemas['ModelView'], 'params'> & { params: Param[] };

export type InputRef = Schemas['InputBody'];
export type QuoteRequest = Omit<Schemas['QuoteBody'], 'params'> & { params: Params };
export type Quote = Schemas['QuoteView'];

export type Status = Schemas['Status'];
export type Failure = Schemas['FailureView'];
export type Asset = Schemas['AssetView'];
export type Generation = Omit<Schemas['GenerationView'], 'params'> & { params: Params };
export type GenerationRequest = Omit<Schemas['GenerationBody'], 'params'> & { params: Params };
export type Attempt = Schemas['AttemptView'];
export type StatementEntry = Schemas['StatementEntry'];
export type EntryKind = StatementEntry['kind'];
export type Receipt = Schemas['ReceiptView'];
export type Credits = Schemas['Balance'];
export type Redeemed = Schemas['RedeemedView'];
export type Offers = Schemas['OffersView'];
export type Package = Schemas['PackageView'];
export type PayMethod = Offers['methods'][number];
export type Order = Schemas['OrderView'];
export type NewOrder = Schemas['NewOrder'];
export type PlacedOrder = Schemas['PlacedOrder'];
export type LineItem = Schemas['PlaceView'];

/** Every event of /events by name; the numbered ones move the cursor. */
export type Events = {
  'generation.changed': Generation;
  'generation.deleted': { id: string };
  'asset.changed': Asset;
  'asset.deleted': { id: string };
  'credits.changed': Balance;
  'order.changed': Order;
  line: { items: LineItem[] };
  reset: Record<string, never>;
};
export type EventName = keyof Events;
export type LiveEvent = { [N in EventName]: { name: N; data: Events[N] } }[EventName];
