// A DAG's params as the fields of a form, and the form's text back to conf. Accepts Airflow's shape on the wire ({value, schema,
// description}), a plain schema ({type, default}) and a bare default value. Values are held to their JSON Schema as the scheduler
// will hold them, so that what is wrong is said beside the field before anything is sent.
import {Validator, type OutputUnit} from '@cfworker/json-schema';

export type FieldKind = 'text' | 'lines' | 'number' | 'integer' | 'boolean' | 'choice' | 'choices' | 'date' | 'json';

export interface Field {
  name: string;
  kind: FieldKind;
  title: string;
  description: string;
  initial: string;
  choices: readonly unknown[];
  // What a choice is shown as, by its text.
  labels: Readonly<Record<string, string>>;
  // Whether it may be left empty, and means null then.
  optional: boolean;
  // Whether it has no default: somebody has to say what it is.
  required: boolean;
  // Several rows of text instead of one.
  long: boolean;
  section: string;
  schema: Schema;
}

interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  examples?: unknown[];
  values_display?: Record<string, string>;
  format?: string;
  section?: string;
  items?: Schema;
  [more: string]: unknown;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function read(param: unknown): {value: unknown; schema: Schema; description: string} {
  if (isObject(param) && ('value' in param || isObject(param['schema']))) {
    const schema = (isObject(param['schema']) ? param['schema'] : {}) as Schema;
    const description = typeof param['description'] === 'string' ? param['description'] : (schema.description ?? '');
    return {value: 'value' in param ? param['value'] : schema.default, schema, description};
  }
  if (isObject(param) && ('type' in param || 'default' in param)) {
    const schema = param as Schema;
    return {value: schema.default, schema, description: schema.description ?? ''};
  }
  return {value: param, schema: {}, description: ''};
}

const typesOf = (schema: Schema): string[] =>
  Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : [];

function kindOf(schema: Schema, value: unknown): FieldKind {
  if (Array.isArray(schema.enum) || 'const' in schema) return 'choice';
  const types = typesOf(schema).filter((type) => type !== 'null');
  const type = types.length === 1 && types[0] ? types[0] : Array.isArray(value) ? 'array' : typeof value;
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  if (type === 'string') return schema.format === 'date' ? 'date' : 'text';
  if (type === 'array') {
    const items = isObject(schema.items) ? schema.items : {};
    if (Array.isArray(items.enum)) return 'choices';
    // One a line, unless that would lose what they are.
    const plain = typesOf(items).join() === 'string' || (!items.type && Array.isArray(value) && value.length > 0);
    return plain && (!Array.isArray(value) || value.every((one) => typeof one === 'string' && !one.includes('\n')))
      ? 'lines'
      : 'json';
  }
  return value === undefined || value === null ? 'text' : 'json';
}

function textOf(kind: FieldKind, value: unknown): string {
  if (value === null || value === undefined) return kind === 'boolean' ? 'false' : '';
  if (kind === 'lines' && Array.isArray(value)) return value.join('\n');
  if (kind === 'choices' || kind === 'json') return JSON.stringify(value, null, kind === 'json' ? 2 : 0);
  return String(value);
}

export function formFields(params: Record<string, unknown> | null | undefined): Field[] {
  return Object.entries(params ?? {}).map(([name, param]) => {
    const {value, schema, description} = read(param);
    const kind = kindOf(schema, value);
    const items = isObject(schema.items) ? schema.items : {};
    const optional =
      typesOf(schema).includes('null') || (typesOf(schema).length === 0 && value === null && !schema.enum);
    return {
      name,
      kind,
      description,
      initial: textOf(kind, value),
      optional,
      required: !optional && (value === null || value === undefined),
      title: schema.title ?? name,
      choices: 'const' in schema ? [schema.const] : (schema.enum ?? items.enum ?? []),
      labels: schema.values_display ?? {},
      long: kind === 'text' && (schema.format === 'multiline' || (typeof value === 'string' && value.includes('\n'))),
      section: schema.section ?? '',
      schema,
    };
  });
}

export type Parsed = {value: unknown} | {problem: string};

// What one field's text means, or why it means nothing.
export function parseField(field: Field, text: string): Parsed {
  if (text === '' && field.optional) return {value: null};
  const parsed = meaning(field, text);
  if ('problem' in parsed) return parsed;
  const problem = problemOf(field, parsed.value);
  return problem === null ? parsed : {problem};
}

function meaning(field: Field, text: string): Parsed {
  switch (field.kind) {
    case 'boolean':
      return {value: text === 'true'};
    case 'integer':
    case 'number': {
      const value = Number(text);
      if (text.trim() === '' || !Number.isFinite(value)) return {problem: 'must be a number'};
      return {value};
    }
    case 'choice':
      if (text === '' && !field.choices.includes('')) return {problem: 'choose one'};
      return {value: field.choices.find((choice) => String(choice) === text) ?? text};
    case 'lines':
      return {
        value: text
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== ''),
      };
    case 'choices':
    case 'json':
      try {
        return {value: JSON.parse(text === '' ? (field.kind === 'choices' ? '[]' : 'null') : text) as unknown};
      } catch (error) {
        return {problem: `is not JSON: ${(error as Error).message}`};
      }
    default:
      if (text === '' && field.required) return {problem: 'must be given'};
      return {value: text};
  }
}

// In the words of the rule that is broken, not of the validator.
const kSentences: Record<string, (limit: unknown, schema: Schema) => string> = {
  type: (limit, schema) => `must be of type ${typesOf({...schema, type: limit as string}).join(' or ')}`,
  minimum: (limit) => `must be at least ${String(limit)}`,
  maximum: (limit) => `must be at most ${String(limit)}`,
  exclusiveMinimum: (limit) => `must be more than ${String(limit)}`,
  exclusiveMaximum: (limit) => `must be less than ${String(limit)}`,
  multipleOf: (limit) => `must be a multiple of ${String(limit)}`,
  minLength: (limit) => `must have at least ${String(limit)} characters`,
  maxLength: (limit) => `must have at most ${String(limit)} characters`,
  minItems: (limit) => `must have at least ${String(limit)} ${limit === 1 ? 'entry' : 'entries'}`,
  maxItems: (limit) => `must have at most ${String(limit)} ${limit === 1 ? 'entry' : 'entries'}`,
  uniqueItems: () => 'must not have the same entry twice',
  pattern: (limit) => `must match the pattern ${String(limit)}`,
  format: (limit) => (limit === 'date' ? 'must be a date like 2001-03-01' : `must be of the form ${String(limit)}`),
  enum: (limit) => `must be one of ${(limit as unknown[]).map((one) => JSON.stringify(one)).join(', ')}`,
  const: (limit) => `must be ${JSON.stringify(limit)}`,
};

function resolve(schema: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (at, part) =>
        typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[decodeURIComponent(part)] : undefined,
      schema,
    );
}

function sentence(schema: Schema, error: OutputUnit): string {
  const place = error.instanceLocation
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : decodeURIComponent(part)))
    .join(' ');
  const limit = resolve(schema, error.keywordLocation);
  const say = kSentences[error.keyword];
  const integer = error.keyword === 'type' && limit === 'integer' && place === '';
  const text = integer
    ? 'must be a whole number'
    : say && limit !== undefined
      ? say(limit, schema)
      : lowered(error.error);
  return place === '' ? text : `${place}: ${text}`;
}

const lowered = (text: string) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');

// Keywords that only say that something within is wrong, which is said as well.
const kContainers = ['properties', 'items', 'prefixItems', 'allOf', 'additionalItems'];

export function problemOf(field: Field, value: unknown): string | null {
  let result;
  try {
    result = new Validator(field.schema as object, '2020-12', false).validate(value);
  } catch {
    return null; // A schema that this validator does not read: the scheduler decides.
  }
  if (result.valid) return null;
  const telling = result.errors.filter((error) => !kContainers.includes(error.keyword));
  return [
    ...new Set((telling.length > 0 ? telling : result.errors).map((error) => sentence(field.schema, error))),
  ].join('; ');
}

export interface FormValues {
  conf: Record<string, unknown>;
  problems: Map<string, string>;
}

export function parseForm(fields: readonly Field[], texts: Readonly<Record<string, string>>): FormValues {
  const conf: Record<string, unknown> = {};
  const problems = new Map<string, string>();
  for (const field of fields) {
    const parsed = parseField(field, texts[field.name] ?? '');
    if ('value' in parsed) conf[field.name] = parsed.value;
    else problems.set(field.name, parsed.problem);
  }
  return {conf, problems};
}

// A conf as the texts of the form; what it does not name stays as it is.
export function textsOf(
  fields: readonly Field[],
  conf: Record<string, unknown>,
  present: Readonly<Record<string, string>>,
): Record<string, string> {
  const texts = {...present};
  for (const field of fields) if (field.name in conf) texts[field.name] = textOf(field.kind, conf[field.name]);
  return texts;
}

export function parseConf(text: string): {conf: Record<string, unknown>} | {problem: string} {
  if (text.trim() === '') return {conf: {}};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? {conf: value} : {problem: 'must be a JSON object, for example {"key": "value"}'};
  } catch (error) {
    return {problem: (error as Error).message};
  }
}

// What a conf breaks of the fields' schemas, as text; null when nothing.
export function confProblem(fields: readonly Field[], conf: Record<string, unknown>): string | null {
  const problems = fields.flatMap((field) => {
    const value = conf[field.name];
    if (value === undefined || (value === null && field.optional)) return [];
    const problem = problemOf(field, value);
    return problem === null ? [] : [`${field.name} ${problem}`];
  });
  return problems.length > 0 ? problems.join('; ') : null;
}

// The scheduler tells all that does not fit in one text: "param a must be ...; param b [0] must ...". Shared out to the fields
// that it names; what names none is left over.
export function serverProblems(text: string, fields: readonly Field[]): {problems: Map<string, string>; rest: string} {
  const problems = new Map<string, string>();
  const rest: string[] = [];
  for (const part of text.split(/; (?=param )/)) {
    const match = /^param (\S+) ([\s\S]*)$/.exec(part);
    const field = fields.find((one) => one.name === match?.[1]);
    if (!match || !field) rest.push(part);
    else problems.set(field.name, [problems.get(field.name), match[2]].filter(Boolean).join('; '));
  }
  return {problems, rest: rest.join('; ')};
}
