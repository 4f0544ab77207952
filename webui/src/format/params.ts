// A DAG's params as the fields of a trigger form, and the form's text back to conf. Accepts Airflow's shape on the wire
// ({value, schema, description}), a plain schema ({type, default}) and a bare default value.

export type FieldKind = 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'json';

export interface Field {
  name: string;
  kind: FieldKind;
  title: string;
  description: string;
  initial: string;
  choices: readonly unknown[];
  optional: boolean;
  minimum: number | null;
  maximum: number | null;
}

interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
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

function kindOf(schema: Schema, value: unknown): FieldKind {
  if (Array.isArray(schema.enum)) return 'choice';
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type ?? '']).filter((type) => type !== 'null');
  const type = types.length === 1 && types[0] !== '' ? types[0] : typeof value;
  if (type === 'integer') return 'integer';
  if (type === 'number') return 'number';
  if (type === 'boolean') return 'boolean';
  if (type === 'string') return 'text';
  return value === undefined || value === null ? 'text' : 'json';
}

export function formFields(params: Record<string, unknown> | null | undefined): Field[] {
  return Object.entries(params ?? {}).map(([name, param]) => {
    const {value, schema, description} = read(param);
    const kind = kindOf(schema, value);
    const optional = Array.isArray(schema.type) ? schema.type.includes('null') : value === null;
    const initial =
      value === null || value === undefined
        ? kind === 'boolean'
          ? 'false'
          : ''
        : kind === 'json'
          ? JSON.stringify(value, null, 2)
          : String(value);
    return {
      name,
      kind,
      description,
      initial,
      optional,
      title: schema.title ?? name,
      choices: schema.enum ?? [],
      minimum: schema.minimum ?? null,
      maximum: schema.maximum ?? null,
    };
  });
}

// What one field's text means, or why it means nothing.
export function parseField(field: Field, text: string): {value: unknown} | {problem: string} {
  if (text === '' && field.optional) return {value: null};
  switch (field.kind) {
    case 'boolean':
      return {value: text === 'true'};
    case 'integer':
    case 'number': {
      const value = Number(text);
      if (text.trim() === '' || !Number.isFinite(value)) return {problem: 'must be a number'};
      if (field.kind === 'integer' && !Number.isInteger(value)) return {problem: 'must be a whole number'};
      if (field.minimum !== null && value < field.minimum) return {problem: `must be at least ${field.minimum}`};
      if (field.maximum !== null && value > field.maximum) return {problem: `must be at most ${field.maximum}`};
      return {value};
    }
    case 'choice':
      return {value: field.choices.find((choice) => String(choice) === text) ?? text};
    case 'json':
      try {
        return {value: JSON.parse(text) as unknown};
      } catch (error) {
        return {problem: (error as Error).message};
      }
    default:
      return {value: text};
  }
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
