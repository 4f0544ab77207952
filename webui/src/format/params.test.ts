import {describe, expect, it} from 'vitest';
import {confProblem, formFields, parseConf, parseField, parseForm, serverProblems, textsOf, type Field} from './params';

describe('params', () => {
  const field = (param: unknown) => formFields({p: param})[0] as Field;

  it("become fields from Airflow's shape, from a plain schema and from a bare value", () => {
    expect(field({value: 15, schema: {type: 'integer', minimum: 0}, description: 'd'})).toMatchObject({
      kind: 'integer',
      initial: '15',
      description: 'd',
    });
    expect(field({type: 'integer', default: 15})).toMatchObject({kind: 'integer', initial: '15'});
    expect(field('x')).toMatchObject({kind: 'text', initial: 'x'});
    expect(field({value: 'b', schema: {type: 'string', enum: ['a', 'b']}})).toMatchObject({
      kind: 'choice',
      choices: ['a', 'b'],
      initial: 'b',
    });
    expect(field({value: [1, 2], schema: {type: 'array'}})).toMatchObject({kind: 'json'});
    expect(field({value: null, schema: {type: ['null', 'string']}})).toMatchObject({
      kind: 'text',
      optional: true,
      initial: '',
    });
    expect(formFields(null)).toEqual([]);
  });

  it('give back values of their own type', () => {
    expect(parseField(field({type: 'integer', default: 1}), '7')).toEqual({value: 7});
    expect(parseField(field({type: 'boolean', default: false}), 'true')).toEqual({value: true});
    expect(parseField(field({value: {a: 1}, schema: {type: 'object'}}), '{"a": 2}')).toEqual({value: {a: 2}});
    expect(parseField(field({value: null, schema: {type: ['null', 'integer']}}), '')).toEqual({value: null});
    expect(parseField(field({value: 2, schema: {enum: [1, 2, 3]}}), '3')).toEqual({value: 3});
  });

  it('say what is wrong with a value', () => {
    expect(parseField(field({type: 'integer', default: 1, maximum: 10}), '11')).toEqual({
      problem: 'must be at most 10',
    });
    expect(parseField(field({type: 'integer', default: 1}), '1.5')).toEqual({problem: 'must be a whole number'});
    expect(parseField(field({type: 'number', default: 1}), 'x')).toEqual({problem: 'must be a number'});
    expect(parseConf('[1]')).toHaveProperty('problem');
    expect(parseConf('{')).toHaveProperty('problem');
    expect(parseConf(' ')).toEqual({conf: {}});
    expect(parseConf('{"a": 1}')).toEqual({conf: {a: 1}});
  });

  it('show what their schemas ask for: dates, lists, choices of several, text in rows, sections', () => {
    expect(field({value: null, schema: {type: ['null', 'string'], format: 'date'}})).toMatchObject({
      kind: 'date',
      optional: true,
    });
    const list = field({value: ['a', 'b'], schema: {type: 'array', items: {type: 'string'}}});
    expect(list).toMatchObject({kind: 'lines', initial: 'a\nb'});
    expect(parseField(list, ' x \n\ny')).toEqual({value: ['x', 'y']});
    const several = field({value: ['a'], schema: {type: 'array', items: {type: 'string', enum: ['a', 'b']}}});
    expect(several).toMatchObject({kind: 'choices', choices: ['a', 'b'], initial: '["a"]'});
    expect(parseField(several, '["a","b"]')).toEqual({value: ['a', 'b']});
    expect(
      field({value: '', schema: {type: 'string', format: 'multiline', section: 'Mail', title: 'Text'}}),
    ).toMatchObject({long: true, section: 'Mail', title: 'Text'});
    expect(field({value: 3, schema: {const: 3}})).toMatchObject({kind: 'choice', choices: [3]});
  });

  it('hold values to their whole schema, and say it in its words', () => {
    const problem = (param: unknown, text: string) => {
      const parsed = parseField(field(param), text);
      return 'problem' in parsed ? parsed.problem : null;
    };
    expect(problem({type: 'number', exclusiveMaximum: 1, default: 0}, '1')).toBe('must be less than 1');
    expect(problem({type: 'string', pattern: '^[A-Z]+$', default: 'A'}, 'a')).toBe('must match the pattern ^[A-Z]+$');
    expect(problem({type: 'string', format: 'date', default: ''}, '2001-02-30')).toBe('must be a date like 2001-03-01');
    expect(problem({type: 'string', minLength: 3, default: ''}, 'ab')).toBe('must have at least 3 characters');
    const shops = {value: [], schema: {type: 'array', items: {type: 'string', pattern: '^[A-Z]{3}$'}, minItems: 1}};
    expect(problem(shops, '')).toBe('must have at least 1 entry');
    expect(problem(shops, 'BER\nx')).toBe('[1]: must match the pattern ^[A-Z]{3}$');
    const limits = {value: {}, schema: {type: 'object', properties: {rows: {type: 'integer'}}, required: ['rows']}};
    expect(problem(limits, '{}')).toMatch(/rows/);
    expect(problem(limits, '{"rows": "x"}')).toMatch(/^rows: must be of type integer/);
    expect(problem(limits, '{"rows": 1}')).toBeNull();
    expect(problem({value: null, schema: {type: 'string'}}, '')).toBe('must be given');
    expect(problem({value: '', schema: {type: 'string'}}, '')).toBeNull();
    expect(problem({value: null, schema: {type: 'integer'}}, '')).toBe('must be a number');
    expect(problem({value: null, schema: {enum: ['a', 'b']}}, '')).toBe('choose one');
    // A pattern that no browser reads is the scheduler's to judge.
    expect(problem({type: 'string', pattern: '(?P<x>a)', default: ''}, 'b')).toBeNull();
  });

  it('turn a conf back into text, and leave what it does not name', () => {
    const fields = formFields({
      a: {value: 1, schema: {type: 'integer'}},
      b: {value: ['x'], schema: {type: 'array', items: {type: 'string'}}},
    });
    expect(textsOf(fields, {b: ['y', 'z']}, {a: '1', b: 'x'})).toEqual({a: '1', b: 'y\nz'});
    expect(parseForm(fields, {a: 'no', b: 'y'})).toEqual({
      conf: {b: ['y']},
      problems: new Map([['a', 'must be a number']]),
    });
    expect(confProblem(fields, {a: 'x', c: 1})).toBe('a must be a whole number');
    expect(confProblem(fields, {a: 2})).toBeNull();
  });

  it('find the fields that the scheduler’s answer is about', () => {
    const fields = formFields({threshold: 1, shops: []});
    const told = serverProblems(
      'param threshold must be at least 0; param shops [0] must match a; b; param shops [1] is x; param no is y',
      fields,
    );
    expect([...told.problems]).toEqual([
      ['threshold', 'must be at least 0'],
      ['shops', '[0] must match a; b; [1] is x'],
    ]);
    expect(told.rest).toBe('param no is y');
    expect(serverProblems('The DAG is gone', fields)).toEqual({problems: new Map(), rest: 'The DAG is gone'});
  });
});
