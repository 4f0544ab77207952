// Runs a DAG for the dates of a range. What it would go over is the scheduler's own dry run, asked for while the form is written.
import {useDeferredValue, useMemo, useState, type FormEvent} from 'react';
import {keepPreviousData, useMutation, useQuery} from '@tanstack/react-query';
import {ConfForm} from './conf_form';
import {Dialog} from './dialog';
import {FormEnd} from './form_end';
import {ErrorNotice, Skeleton} from './notice';
import {Segments} from './segments';
import {toast} from './toast';
import {useConf} from './use_conf';
import {client, queryClient, useDag, useDags} from '../api/queries';
import type {BackfillRequest} from '../api/backfill_routes';
import type {DagDetails, Reprocess} from '../api/types';
import {datesDetail, datesText} from '../format/backfill';
import {formFields} from '../format/params';
import {countText} from '../format/selection';
import {formatTime, parseTypedTime} from '../format/time';

const kReprocess: [Reprocess, string, string][] = [
  ['none', 'New only', 'Dates that have a run already are left alone.'],
  ['failed', 'And failed', 'Dates whose run failed run again; what succeeded is left alone.'],
  ['completed', 'All', 'Every date runs, also those that succeeded.'],
];

export function BackfillDialog({dag, onClose}: {dag: string | null; onClose: () => void}) {
  const [chosen, setChosen] = useState(dag ?? '');
  const list = useDags({search: '', tags: []});
  const known = list.data?.rows.map((one) => one.dag_id) ?? [];
  const ready = dag !== null || known.includes(chosen);
  return (
    <Dialog title={<>Backfill {dag !== null && <span className="dialog-subject">{dag}</span>}</>} onClose={onClose}>
      {dag === null && (
        <label className="field dialog-first">
          <span className="field-name">DAG</span>
          <input
            autoFocus
            name="dag_id"
            list="backfill-dags"
            spellCheck={false}
            autoComplete="off"
            value={chosen}
            onChange={(event) => setChosen(event.target.value)}
          />
          <datalist id="backfill-dags">
            {known.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          {!ready && <span className="field-note">Choose a DAG that has a schedule.</span>}
        </label>
      )}
      {ready && <Loaded key={chosen} dag={chosen} onClose={onClose} />}
    </Dialog>
  );
}

function Loaded({dag, onClose}: {dag: string; onClose: () => void}) {
  const details = useDag(dag);
  if (details.data) return <BackfillForm details={details.data} onClose={onClose} />;
  return details.isError ? <ErrorNotice error={details.error} /> : <Skeleton rows={4} />;
}

function BackfillForm({details, onClose}: {details: DagDetails; onClose: () => void}) {
  const dag = details.dag_id;
  const [params] = useState(details.params);
  const fields = useMemo(() => formFields(params), [params]);
  const conf = useConf(fields);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [reprocess, setReprocess] = useState<Reprocess>('none');
  const [most, setMost] = useState('4');
  const [flags, setFlags] = useState({run_backwards: false, run_on_latest_version: true, include_downstream: false});

  const fromTime = parseTypedTime(from);
  const toTime = parseTypedTime(to);
  const atOnce = /^\d{1,4}$/.test(most) && Number(most) >= 1 && Number(most) <= 1000 ? Number(most) : null;
  const ordered = fromTime === null || toTime === null || fromTime <= toTime;
  const complete = fromTime !== null && toTime !== null && ordered && atOnce !== null;
  const request: BackfillRequest = {
    dag_id: dag,
    from_date: fromTime ?? '',
    to_date: toTime ?? '',
    reprocess_behavior: reprocess,
    max_active_runs: atOnce ?? 1,
    dag_run_conf: conf.valid ? conf.conf : {},
    ...flags,
  };
  const asked = useDeferredValue(JSON.stringify(request));
  const preview = useQuery({
    queryKey: ['backfillPreview', asked],
    queryFn: () => client.backfill(JSON.parse(asked) as BackfillRequest, true),
    enabled: complete,
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 0,
  });
  const create = useMutation({
    mutationFn: () => client.backfill(request, false),
    onSuccess: (answer) => {
      toast(answer.backfills.length === 1 ? `Backfill of ${dag} begins` : `${answer.backfills.length} backfills begin`);
      for (const key of ['backfills', 'grid', 'runs']) void queryClient.invalidateQueries({queryKey: [key]});
      onClose();
    },
  });
  const dates = complete && !preview.isError ? preview.data?.dates : undefined;
  const valid = complete && conf.valid && dates !== undefined && dates.length > 0 && !preview.isPlaceholderData;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (valid) create.mutate();
  };
  const bad = (text: string, time: string | null) => text.trim() !== '' && time === null;
  const day = (name: string, text: string, time: string | null, set: (text: string) => void, first: boolean) => (
    <label className="field">
      <span className="field-name">
        {first ? 'From' : 'To'} <span className="faint">UTC, included</span>
      </span>
      <input
        name={name}
        autoFocus={first}
        placeholder={first ? '2001-03-01' : '2001-03-31'}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={bad(text, time)}
        value={text}
        onChange={(event) => set(event.target.value)}
      />
      {bad(text, time) && <span className="field-problem">Write a date like 2001-03-01</span>}
    </label>
  );
  return (
    <form className="form" onSubmit={submit}>
      <div className="form-pair">
        {day('from_date', from, fromTime, setFrom, true)}
        {day('to_date', to, toTime, setTo, false)}
      </div>
      {!ordered && <span className="field-problem">The range ends before it begins.</span>}
      <div className="field">
        <span className="field-name">Dates that have a run</span>
        <Segments
          label="Reprocess"
          className="form-tabs"
          choices={kReprocess}
          value={reprocess}
          onChoose={setReprocess}
        />
        <span className="field-note">{kReprocess.find(([one]) => one === reprocess)?.[2]}</span>
      </div>
      <div className="form-pair">
        <label className="field">
          <span className="field-name">Runs at a time</span>
          <input
            name="max_active_runs"
            inputMode="numeric"
            aria-invalid={atOnce === null}
            value={most}
            onChange={(event) => setMost(event.target.value)}
          />
          {atOnce === null && <span className="field-problem">A number from 1 to 1000</span>}
        </label>
        <fieldset className="checks checks-column">
          <legend className="hidden">More</legend>
          {(
            [
              ['run_backwards', 'The newest date first'],
              ['run_on_latest_version', 'Newest version of the DAG'],
              ['include_downstream', 'DAGs downstream too'],
            ] as const
          ).map(([flag, text]) => (
            <label key={flag} className="field-check-inline">
              <input
                type="checkbox"
                name={flag}
                checked={flags[flag]}
                onChange={(event) => setFlags({...flags, [flag]: event.target.checked})}
              />
              {text}
            </label>
          ))}
        </fieldset>
      </div>
      {fields.length > 0 && (
        <details className="form-more">
          <summary>Parameters</summary>
          <div className="form">
            <ConfForm state={conf} />
          </div>
        </details>
      )}
      {complete && preview.isError && <ErrorNotice error={preview.error} />}
      {dates && (
        <div className="selection">
          <p className="selection-sum">
            {dates.length === 0 ? 'No date of the schedule is in this range.' : countText(dates.length, 'date')}
          </p>
          {dates.length > 0 && (
            <p className="clear-list faint">
              {datesText(dates, (date) => formatTime(date, 'UTC', datesDetail(dates)))}
            </p>
          )}
          {(preview.data?.backfills.length ?? 0) > 1 && (
            <p className="field-note">
              Then downstream:{' '}
              {preview.data?.backfills
                .slice(1)
                .map((one) => `${one.dag_id} (${countText(one.dates, 'date')})`)
                .join(', ')}
            </p>
          )}
        </div>
      )}
      {details.is_paused && (
        <p className="field-note">The DAG is paused: the runs of a backfill start when it is unpaused.</p>
      )}
      {create.isError && <ErrorNotice error={create.error} />}
      <FormEnd
        text={create.isPending ? 'Starting…' : 'Start backfill'}
        disabled={!valid || create.isPending}
        onClose={onClose}
      />
    </form>
  );
}
