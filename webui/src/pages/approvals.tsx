// What people are asked: what waits for an answer first, on request also what was answered.
import {useApprovals} from '../api/queries';
import type {Approval} from '../api/types';
import {Empty, ErrorNotice, Skeleton} from '../components/notice';
import {Segments} from '../components/segments';
import {Shell} from '../components/shell';
import {Ago, Time} from '../components/times';
import {useLive} from '../live/use_live';
import {Link, setSearchParams, taskHref, useSearchParam} from '../router';

export function ApprovalsPage() {
  useLive(null);
  const all = useSearchParam('show') === 'all';
  const query = useApprovals(!all);
  const approvals = query.data?.hitl_details ?? [];
  return (
    <Shell crumbs={[]}>
      <div className="page list-page">
        <header className="page-head">
          <h1>Approvals</h1>
          <Segments
            label="Show"
            className=""
            choices={[[false, 'Waiting'] as const, [true, 'All'] as const]}
            value={all}
            onChoose={(one) => setSearchParams({show: one ? 'all' : null})}
          />
        </header>
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && <Skeleton rows={3} />}
        {query.data && approvals.length === 0 && (
          <Empty title={all ? 'Nobody was asked yet' : 'Nothing waits for an answer'}>
            A task that says <code>uses: approval</code> asks here, and its run waits for the answer without a slot.
          </Empty>
        )}
        {approvals.length > 0 && (
          <div className="card table-card">
            <table className="list-table">
              <thead>
                <tr>
                  <th className="wide">Question</th>
                  <th>Task</th>
                  <th>Asked</th>
                  <th>Until</th>
                  <th>Of</th>
                  <th>Answer</th>
                </tr>
              </thead>
              <tbody>
                {approvals.map((approval) => (
                  <ApprovalRow key={approval.task_instance?.id ?? approval.created_at} approval={approval} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </Shell>
  );
}

function ApprovalRow({approval}: {approval: Approval}) {
  const at = approval.task_instance;
  if (!at) return null;
  const href = taskHref(at.dag_id, at.dag_run_id, at.task_id, {map: at.map_index});
  const waits = !approval.response_received && at.state === 'deferred';
  return (
    <tr data-approval={at.task_id}>
      <td className="wide">
        <Link href={href} className="strong">
          {approval.subject}
        </Link>
      </td>
      <td title={at.dag_run_id}>
        {at.dag_id} <span className="faint">{at.map_index < 0 ? at.task_id : `${at.task_id} [${at.map_index}]`}</span>
      </td>
      <td className="faint">
        <Ago value={approval.created_at} />
      </td>
      <td className="faint">
        {waits && approval.timeout_at ? <Time value={approval.timeout_at} detail="minutes" /> : '–'}
      </td>
      <td>
        {approval.assigned_users.length > 0 ? (
          approval.assigned_users.map((user) => user.name).join(', ')
        ) : (
          <span className="faint">anybody</span>
        )}
      </td>
      <td>
        {approval.response_received ? (
          <>
            {(approval.chosen_options ?? []).join(', ')}{' '}
            {approval.responded_by_user && <span className="faint">by {approval.responded_by_user.name}</span>}
          </>
        ) : waits ? (
          <Link href={href} className="button button-small">
            Answer…
          </Link>
        ) : (
          <span className="faint">none</span>
        )}
      </td>
    </tr>
  );
}
