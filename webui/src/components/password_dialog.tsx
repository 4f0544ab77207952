// Another password of one's own. Whoever found a browser open does not know the old one.
import {useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {Dialog} from './dialog';
import {FormEnd} from './form_end';
import {ErrorNotice} from './notice';
import {TextField} from './record_dialog';
import {toast} from './toast';
import {client} from '../api/queries';
import {ApiError} from '../api/http';
import {currentUser} from '../api/session';
import {passwordProblem} from '../format/password';

export function PasswordDialog({onClose}: {onClose: () => void}) {
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const change = useMutation({
    mutationFn: () => client.changeOwnPassword(current, password),
    onSuccess: () => {
      toast('Your password is changed');
      onClose();
    },
  });
  const problem = passwordProblem(password);
  const differs = again !== '' && again !== password;
  const valid = current !== '' && problem === null && password !== '' && again === password;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (valid) change.mutate();
  };
  const wrong = change.error instanceof ApiError && change.error.status === 401;
  return (
    <Dialog
      title={
        <>
          Password of <span className="dialog-subject">{currentUser()}</span>
        </>
      }
      onClose={onClose}
    >
      <form className="form" onSubmit={submit}>
        <TextField
          name="current_password"
          label="The one you have"
          focus
          secret={{placeholder: ''}}
          value={current}
          onChange={setCurrent}
          problem={wrong ? 'That is not your password' : null}
        />
        <TextField
          name="password"
          label="The new one"
          secret={{placeholder: ''}}
          value={password}
          onChange={setPassword}
          problem={problem}
          note="8 characters or more. Where you are signed in elsewhere, you stay so."
        />
        <TextField
          name="again"
          label="Once more"
          secret={{placeholder: ''}}
          value={again}
          onChange={setAgain}
          problem={differs ? 'It is not the same' : null}
        />
        {change.isError && !wrong && <ErrorNotice error={change.error} />}
        <FormEnd text="Change password" disabled={!valid || change.isPending} onClose={onClose} />
      </form>
    </Dialog>
  );
}
