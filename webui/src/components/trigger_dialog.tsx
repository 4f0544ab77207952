// Starts a run by hand: a form made from the DAG's params, or its JSON, and for which logical date.
import {useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {Dialog} from './dialog';
import {ErrorNotice, Skeleton} from './notice';
import {toast} from './toast';
import {client, queryClient, useDag} from '../api/queries';
import type {DagRun} from '../api/types';
import {formatTime, parseTypedTime} from '../format/time';
import {formFields, parseConf, parseField, type Field} from '../format/params';

interface Props {
  dag: string;
  onClose: () => void;
  onTriggered: (run: DagRun) => void;
}

export function TriggerDialog({dag, onClose, onTriggered}: Props) {
  const details = useDag(dag);
  return (
    <Dialog
      title={
        <>
          Run <span className="dialog-subject">{dag}</span>
        </>
      }
      onClose={onClose}
    >
      {details.isError ? (
        <ErrorNotice error={details.error} />
      ) : !details.data ? (
        <Skeleton rows={3} />
      ) : (
        <TriggerForm
          dag={dag}
          paused={details.data.is_paused}
          fields={formFields(details.data.params)}
          onClose={onClose}
          onTriggered={onTriggered}
        />
      )}
    </Dialog>
  );
}

function TriggerForm({dag, paused, fields, onClose, onTriggered}: Props & {fields: Field[]; paused: boolean}) {
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(fields.map((field) => [field.name, field.initial])),
  );
  const [json, setJson] = useState<string | null>(fields.length === 0 ? '{}' : null);
  const [date, setDate] = useState('');

  const conf: Record<string, unknown> = {};
  const problems = new Map<string, string>();
  for (const field of fields) {
    const parsed = parseField(field, texts[field.name] ?? '');
    if ('value' in parsed) conf[field.name] = parsed.value;
    else problems.set(field.name, parsed.problem);
  }
  const parsedJson = json === null ? null : parseConf(json);
  const problem = parsedJson && 'problem' in parsedJson ? parsedJson.problem : null;
  const logicalDate = date.trim() === '' ? null : parseTypedTime(date);
  const badDate = date.trim() !== '' && logicalDate === null;
  const valid = !badDate && (json === null ? problems.size === 0 : problem === null);

  const trigger = useMutation({
    mutationFn: () =>
      client.trigger(dag, {
        logical_date: logicalDate,
        conf: parsedJson && 'conf' in parsedJson ? parsedJson.conf : conf,
      }),
    onSuccess: (run) => {
      toast(`Started ${run.dag_run_id}`);
      void queryClient.invalidateQueries({queryKey: ['runs']});
      void queryClient.invalidateQueries({queryKey: ['grid', dag]});
      onClose();
      onTriggered(run);
    },
  });

  const toJson = () => setJson(JSON.stringify(conf, null, 2));
  const toForm = () => {
    if (parsedJson && 'conf' in parsedJson) {
      const next = {...texts};
      for (const field of fields) {
        const value = parsedJson.conf[field.name];
        if (value === undefined) continue;
        next[field.name] = value === null ? '' : field.kind === 'json' ? JSON.stringify(value, null, 2) : String(value);
      }
      setTexts(next);
    }
    setJson(null);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (valid) trigger.mutate();
  };

  return (
    <form className="form" onSubmit={submit}>
      <label className="field">
        <span className="field-name">
          Logical date <span className="faint">UTC</span>
        </span>
        <input
          autoFocus
          name="logical_date"
          placeholder="2001-03-01 00:00"
          spellCheck={false}
          autoComplete="off"
          value={date}
          onChange={(event) => setDate(event.target.value)}
        />
        {badDate ? (
          <span className="field-problem">Write a date like 2001-03-01, or a time like 2001-03-01 06:30</span>
        ) : (
          <span className="field-note">
            {logicalDate === null ? 'Empty: a run for now.' : `The run is for ${formatTime(logicalDate, 'UTC')} UTC.`}
          </span>
        )}
      </label>
      {fields.length > 0 && (
        <div className="form-tabs segments" role="group" aria-label="Parameters as">
          <button type="button" aria-pressed={json === null} onClick={toForm}>
            Parameters
          </button>
          <button type="button" aria-pressed={json !== null} onClick={() => json === null && toJson()}>
            JSON
          </button>
        </div>
      )}
      {json === null ? (
        fields.map((field) => (
          <ParamField
            key={field.name}
            field={field}
            text={texts[field.name] ?? ''}
            problem={problems.get(field.name) ?? null}
            onChange={(text) => setTexts({...texts, [field.name]: text})}
          />
        ))
      ) : (
        <label className="field">
          <span className="field-name">
            Configuration <span className="faint">JSON</span>
          </span>
          <textarea
            name="conf"
            rows={6}
            spellCheck={false}
            className="mono"
            value={json}
            onChange={(event) => setJson(event.target.value)}
          />
          {problem && <span className="field-problem">{problem}</span>}
        </label>
      )}
      {paused && <p className="field-note">The DAG is paused: this run starts when it is unpaused.</p>}
      {trigger.isError && <ErrorNotice error={trigger.error} />}
      <div className="form-end">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="button button-primary" disabled={!valid || trigger.isPending}>
          {trigger.isPending ? 'Starting…' : 'Run'}
        </button>
      </div>
    </form>
  );
}

function ParamField({
  field,
  text,
  problem,
  onChange,
}: {
  field: Field;
  text: string;
  problem: string | null;
  onChange: (text: string) => void;
}) {
  if (field.kind === 'boolean') {
    return (
      <label className="field field-check">
        <input
          type="checkbox"
          name={field.name}
          checked={text === 'true'}
          onChange={(event) => onChange(String(event.target.checked))}
        />
        <span className="field-name">{field.title}</span>
        {field.description && <span className="field-note">{field.description}</span>}
      </label>
    );
  }
  return (
    <label className="field">
      <span className="field-name">
        {field.title}
        {field.title !== field.name && <span className="faint"> {field.name}</span>}
      </span>
      {field.kind === 'choice' ? (
        <select name={field.name} value={text} onChange={(event) => onChange(event.target.value)}>
          {field.choices.map((choice) => (
            <option key={String(choice)}>{String(choice)}</option>
          ))}
        </select>
      ) : field.kind === 'json' ? (
        <textarea
          name={field.name}
          rows={3}
          spellCheck={false}
          className="mono"
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <input
          name={field.name}
          inputMode={field.kind === 'text' ? 'text' : 'decimal'}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      {field.description && <span className="field-note">{field.description}</span>}
      {problem && <span className="field-problem">{problem}</span>}
    </label>
  );
}
