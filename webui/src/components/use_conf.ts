// The conf that somebody writes: field by field, or as JSON. Both are held to the params' schemas while it is written.
import {useMemo, useState} from 'react';
import {confProblem, parseConf, parseForm, textsOf, type Field} from '../format/params';

export interface ConfState {
  fields: readonly Field[];
  texts: Readonly<Record<string, string>>;
  setText: (name: string, text: string) => void;
  // null while it is written field by field.
  json: string | null;
  setJson: (text: string) => void;
  showJson: (on: boolean) => void;
  conf: Record<string, unknown>;
  problems: ReadonlyMap<string, string>;
  // Of the JSON.
  problem: string | null;
  valid: boolean;
}

export function useConf(fields: readonly Field[], initial: Record<string, unknown> = {}): ConfState {
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    textsOf(fields, initial, Object.fromEntries(fields.map((field) => [field.name, field.initial]))),
  );
  const [json, setJson] = useState<string | null>(fields.length === 0 ? JSON.stringify(initial, null, 2) : null);
  const form = useMemo(() => parseForm(fields, texts), [fields, texts]);
  const parsed = json === null ? null : parseConf(json);
  const written = parsed && 'conf' in parsed ? parsed.conf : null;
  const problem =
    parsed === null ? null : written === null ? (parsed as {problem: string}).problem : confProblem(fields, written);
  return {
    fields,
    texts,
    setText: (name, text) => setTexts((present) => ({...present, [name]: text})),
    json,
    setJson,
    showJson: (on) => {
      if (on) {
        if (json === null) setJson(JSON.stringify(form.conf, null, 2));
        return;
      }
      if (written !== null) setTexts(textsOf(fields, written, texts));
      setJson(null);
    },
    conf: written ?? form.conf,
    problems: form.problems,
    problem,
    valid: json === null ? form.problems.size === 0 : problem === null,
  };
}
