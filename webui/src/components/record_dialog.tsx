// The dialog in which a named record is made, changed or deleted: a form around its fields, and what came of it.
import type {FormEvent, ReactNode} from 'react';
import {useMutation} from '@tanstack/react-query';
import {Dialog} from './dialog';
import {ErrorNotice} from './notice';
import {toast} from './toast';
import {queryClient} from '../api/queries';

interface Props {
  noun: string;
  resource: string;
  // null: it is not there yet.
  name: string | null;
  valid: boolean;
  // Both answer with what to say of it.
  save: () => Promise<string>;
  // null: it cannot be deleted.
  remove: (() => Promise<string>) | null;
  onClose: () => void;
  // Besides what every one has, at the end of the form.
  extra?: ReactNode;
  children: ReactNode;
}

export function RecordDialog({noun, resource, name, valid, save, remove, onClose, extra, children}: Props) {
  const change = useMutation({
    mutationFn: (action: () => Promise<string>) => action(),
    onSuccess: (text) => {
      toast(text);
      void queryClient.invalidateQueries({queryKey: [resource]});
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (valid) change.mutate(save);
  };
  const title =
    name === null ? (
      `New ${noun}`
    ) : (
      <>
        Change <span className="dialog-subject">{name}</span>
      </>
    );
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="form" onSubmit={submit} autoComplete="off">
        {children}
        {extra}
        {change.isError && <ErrorNotice error={change.error} />}
        <div className="form-end">
          {name !== null && remove && (
            <button
              type="button"
              className="button button-danger form-left"
              disabled={change.isPending}
              onClick={() => change.mutate(remove)}
            >
              Delete
            </button>
          )}
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={!valid || change.isPending}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface TextFieldProps {
  name: string;
  label: ReactNode;
  value: string;
  onChange: (value: string) => void;
  note?: ReactNode;
  problem?: string | null;
  // Several lines of text as programs read it.
  lines?: number;
  focus?: boolean;
  numeric?: boolean;
  secret?: {placeholder: string};
}

export function TextField({
  name,
  label,
  value,
  onChange,
  note,
  problem,
  lines,
  focus,
  numeric,
  secret,
}: TextFieldProps) {
  const common = {
    name,
    value,
    spellCheck: false,
    'aria-invalid': Boolean(problem),
    autoFocus: focus ?? false,
    onChange: (event: {target: {value: string}}) => onChange(event.target.value),
  };
  return (
    <label className="field">
      <span className="field-name">{label}</span>
      {lines ? (
        <textarea rows={lines} className="mono" {...common} />
      ) : (
        <input
          autoComplete={secret ? 'new-password' : 'off'}
          {...(secret ? {type: 'password', placeholder: secret.placeholder} : {})}
          {...(numeric ? {inputMode: 'numeric' as const} : {})}
          {...common}
        />
      )}
      {problem ? <span className="field-problem">{problem}</span> : note && <span className="field-note">{note}</span>}
    </label>
  );
}
