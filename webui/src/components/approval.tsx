// What an approval asks, and the form that answers it: one of its options, or several, with the values that it wants filled in.
import {useMemo, useState} from 'react';
import {useMutation} from '@tanstack/react-query';
import {ConfForm} from './conf_form';
import {ErrorNotice} from './notice';
import {Ago, Time} from './times';
import {toast} from './toast';
import {useConf} from './use_conf';
import {client, queryClient} from '../api/queries';
import type {Approval, InstanceKey} from '../api/types';
import {formFields, serverProblems} from '../format/params';

export function ApprovalView({instance, approval}: {instance: InstanceKey; approval: Approval}) {
  const waits = !approval.response_received && approval.task_instance?.state === 'deferred';
  return (
    <div className="approval">
      <h2>{approval.subject}</h2>
      {approval.body && <p className="doc">{approval.body}</p>}
      <p className="field-note">
        Asked <Ago value={approval.created_at} />
        {approval.assigned_users.length > 0 && ` of ${approval.assigned_users.map((user) => user.name).join(', ')}`}
        {waits && approval.timeout_at && (
          <>
            . Without an answer until <Time value={approval.timeout_at} detail="minutes" />{' '}
            {approval.defaults && approval.defaults.length > 0
              ? `“${approval.defaults.join(', ')}” counts.`
              : 'it fails.'}
          </>
        )}
      </p>
      {approval.response_received ? (
        <Answer approval={approval} />
      ) : waits ? (
        <AnswerForm instance={instance} approval={approval} />
      ) : (
        <p>Nobody answered, and no answer is waited for any more.</p>
      )}
    </div>
  );
}

function Answer({approval}: {approval: Approval}) {
  const values = Object.entries(approval.params_input ?? {});
  return (
    <>
      <p>
        <span className="tag tag-button">{(approval.chosen_options ?? []).join(', ')}</span>{' '}
        <span className="faint">
          {approval.responded_by_user ? `by ${approval.responded_by_user.name}, ` : ''}
          <Time value={approval.responded_at} />
        </span>
      </p>
      {values.length > 0 && (
        <dl className="facts">
          {values.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="break">{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

function AnswerForm({instance, approval}: {instance: InstanceKey; approval: Approval}) {
  const [params] = useState(approval.params);
  const fields = useMemo(() => formFields(params), [params]);
  const conf = useConf(fields);
  const [chosen, setChosen] = useState<string[]>(approval.multiple ? (approval.defaults ?? []) : []);
  const answer = useMutation({
    mutationFn: (options: string[]) => client.answer(instance, options, fields.length > 0 ? conf.conf : {}),
    onSuccess: (_, options) => toast(`Answered: ${options.join(', ')}`),
    onSettled: () => {
      for (const key of ['approval', 'approvals', 'taskInstance', 'tries', 'why', 'grid'])
        void queryClient.invalidateQueries({queryKey: [key]});
    },
  });
  const told = answer.isError ? serverProblems(answer.error.message, fields) : null;
  const busy = answer.isPending || !conf.valid;
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (approval.multiple && chosen.length > 0 && !busy) answer.mutate(chosen);
      }}
    >
      {fields.length > 0 && <ConfForm state={conf} {...(told ? {told: told.problems} : {})} />}
      {approval.multiple && (
        <fieldset className="checks">
          <legend className="hidden">Options</legend>
          {approval.options.map((option) => (
            <label key={option} className="field-check-inline">
              <input
                type="checkbox"
                name={`option.${option}`}
                checked={chosen.includes(option)}
                onChange={(event) =>
                  setChosen(
                    approval.options.filter((one) => (one === option ? event.target.checked : chosen.includes(one))),
                  )
                }
              />
              {option}
            </label>
          ))}
        </fieldset>
      )}
      {told && told.rest !== '' && <ErrorNotice error={new Error(told.rest)} />}
      <div className="approval-options">
        {approval.multiple ? (
          <button type="submit" className="button button-primary" disabled={busy || chosen.length === 0}>
            Answer
          </button>
        ) : (
          approval.options.map((option, i) => (
            <button
              key={option}
              type="button"
              className={
                i === 0 ? 'button button-primary' : /^(reject|no)$/i.test(option) ? 'button button-danger' : 'button'
              }
              disabled={busy}
              onClick={() => answer.mutate([option])}
            >
              {option}
            </button>
          ))
        )}
      </div>
    </form>
  );
}
