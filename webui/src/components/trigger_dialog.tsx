// Starts a run by hand: a form made from the DAG's params, or its JSON, for which logical date, and under which name.
import {useMemo, useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {ConfForm} from './conf_form';
import {Dialog} from './dialog';
import {FormEnd} from './form_end';
import {ErrorNotice, Skeleton} from './notice';
import {toast} from './toast';
import {useConf} from './use_conf';
import {client, queryClient, useDag} from '../api/queries';
import type {DagDetails, DagRun} from '../api/types';
import {formatTime, parseTypedTime} from '../format/time';
import {formFields, serverProblems} from '../format/params';

const kRunId = /^[A-Za-z0-9_.\-:+]{0,250}$/;

interface Props {
  dag: string;
  // What the form begins with instead of the params' defaults: the conf of a run that is run once more.
  initial?: Record<string, unknown>;
  onClose: () => void;
  onTriggered: (run: DagRun) => void;
}

export function TriggerDialog(props: Props) {
  const details = useDag(props.dag);
  return (
    <Dialog
      title={
        <>
          Run <span className="dialog-subject">{props.dag}</span>
        </>
      }
      onClose={props.onClose}
    >
      {details.data ? (
        <TriggerForm {...props} details={details.data} />
      ) : details.isError ? (
        <ErrorNotice error={details.error} />
      ) : (
        <Skeleton rows={3} />
      )}
    </Dialog>
  );
}

function TriggerForm({dag, details, initial, onClose, onTriggered}: Props & {details: DagDetails}) {
  // The params that the form began with: they do not change under somebody's hands.
  const [params] = useState(details.params);
  const fields = useMemo(() => formFields(params), [params]);
  const conf = useConf(fields, initial);
  const [date, setDate] = useState('');
  const [runId, setRunId] = useState('');
  const [note, setNote] = useState('');
  const [partition, setPartition] = useState('');
  const logicalDate = date.trim() === '' ? null : parseTypedTime(date);
  const badDate = date.trim() !== '' && logicalDate === null;
  const badId = !kRunId.test(runId);

  const trigger = useMutation({
    mutationFn: () =>
      client.trigger(dag, {
        logical_date: logicalDate,
        conf: conf.conf,
        ...(runId === '' ? {} : {dag_run_id: runId}),
        ...(note === '' ? {} : {note}),
        ...(partition === '' ? {} : {partition_key: partition}),
      }),
    onSuccess: (run) => {
      toast(`Started ${run.dag_run_id}`);
      void queryClient.invalidateQueries({queryKey: ['runs']});
      void queryClient.invalidateQueries({queryKey: ['grid', dag]});
      onClose();
      onTriggered(run);
    },
  });
  const told = trigger.isError ? serverProblems(trigger.error.message, fields) : null;
  const valid = !badDate && !badId && conf.valid;
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
          aria-invalid={badDate}
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
      {details.timetable_partitioned && (
        <label className="field">
          <span className="field-name">
            Partition key <span className="faint">optional</span>
          </span>
          <input
            name="partition_key"
            placeholder="2001-03-01T00:00:00"
            spellCheck={false}
            autoComplete="off"
            maxLength={250}
            value={partition}
            onChange={(event) => setPartition(event.target.value)}
          />
        </label>
      )}
      <ConfForm state={conf} {...(told && conf.json === null ? {told: told.problems} : {})} />
      <details className="form-more">
        <summary>Run id and note</summary>
        <label className="field">
          <span className="field-name">
            Run id <span className="faint">optional</span>
          </span>
          <input
            name="dag_run_id"
            spellCheck={false}
            autoComplete="off"
            aria-invalid={badId}
            value={runId}
            onChange={(event) => setRunId(event.target.value)}
          />
          {badId && <span className="field-problem">Letters, digits and _ . - : + only, at most 250</span>}
        </label>
        <label className="field">
          <span className="field-name">
            Note <span className="faint">optional</span>
          </span>
          <textarea
            name="note"
            rows={2}
            maxLength={1000}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
      </details>
      {details.is_paused && <p className="field-note">The DAG is paused: this run starts when it is unpaused.</p>}
      {trigger.isError && (told === null || told.rest !== '' || conf.json !== null) && (
        <ErrorNotice error={conf.json === null ? new Error(told?.rest ?? trigger.error.message) : trigger.error} />
      )}
      <FormEnd
        text={trigger.isPending ? 'Starting…' : 'Run'}
        disabled={!valid || trigger.isPending}
        onClose={onClose}
      />
    </form>
  );
}
