// A note that people leave at a run or a task instance, and the dialog that writes it.
import {useState, type FormEvent} from 'react';
import {useMutation} from '@tanstack/react-query';
import {Dialog} from './dialog';
import {EditIcon} from './icons';
import {ErrorNotice} from './notice';
import {toast} from './toast';
import {queryClient, useCan} from '../api/queries';

const kLongest = 1000;

interface Props {
  // Whose note it is, for the dialog's title.
  subject: string;
  note: string | null | undefined;
  save: (note: string) => Promise<unknown>;
}

export function Note({subject, note, save}: Props) {
  const [writing, setWriting] = useState(false);
  const writes = useCan('write');
  return (
    <>
      <span className="note">
        {note ? <span className="note-text">{note}</span> : <span className="faint">–</span>}
        {writes && (
          <button
            type="button"
            className="icon-button note-edit"
            title={note ? 'Change the note…' : 'Write a note…'}
            aria-label={note ? 'Change the note' : 'Write a note'}
            onClick={() => setWriting(true)}
          >
            <EditIcon />
          </button>
        )}
      </span>
      {writing && <NoteDialog subject={subject} note={note ?? ''} save={save} onClose={() => setWriting(false)} />}
    </>
  );
}

function NoteDialog({subject, note, save, onClose}: Props & {note: string; onClose: () => void}) {
  const [text, setText] = useState(note);
  const write = useMutation({
    mutationFn: () => save(text.trim()),
    onSuccess: () => {
      toast(text.trim() === '' ? 'The note is gone' : 'The note is kept');
      for (const key of ['run', 'runs', 'grid', 'taskInstance', 'instances', 'tries', 'why'])
        void queryClient.invalidateQueries({queryKey: [key]});
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    write.mutate();
  };
  return (
    <Dialog
      title={
        <>
          Note <span className="dialog-subject">{subject}</span>
        </>
      }
      onClose={onClose}
    >
      <form className="form" onSubmit={submit}>
        <label className="field">
          <span className="hidden">Note</span>
          <textarea
            name="note"
            autoFocus
            rows={4}
            maxLength={kLongest}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        {write.isError && <ErrorNotice error={write.error} />}
        <div className="form-end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={write.isPending || text.trim() === note}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
