// How a mapreduce job ran: its stages with what went in and out, how even its partitions are, and what was decided and why.
import {StateDot, type AnyState} from './state';
import {Lasted} from './times';
import {formatDuration} from '../format/duration';
import {formatBytes, formatCount} from '../format/number';
import type {JobReport, PartitionReport, StageReport} from '../format/job_report';

const kWidestBar = 46;

export function JobReportView({report}: {report: JobReport}) {
  return (
    <div className="job">
      {(report.mode !== null || report.facts.length > 0 || report.output !== null) && (
        <dl className="facts facts-row job-facts">
          {report.mode !== null && <div><dt>Mode</dt><dd>{report.mode}</dd></div>}
          {report.facts.map(([name, value, kind]) => (
            <div key={name}><dt>{name}</dt><dd className="number">{kind === 'bytes' ? formatBytes(value as number) : kind === 'count' ? formatCount(value as number) : value}</dd></div>
          ))}
          {report.output?.rows != null && <div><dt>Result rows</dt><dd className="number">{formatCount(report.output.rows)}</dd></div>}
          {report.output?.path != null && <div className="fact-wide"><dt>Output</dt><dd><code>{report.output.path}</code></dd></div>}
        </dl>
      )}
      {report.stages.length > 0 && (
        <section>
          <h3>Stages</h3>
          <table className="stage-table">
            <thead><tr><th>Stage</th><th>Tasks</th><th className="right">Rows in</th><th className="right">Rows out</th><th className="right">Bytes in</th><th className="right">Bytes out</th><th className="right">Took</th></tr></thead>
            <tbody>{report.stages.map((stage, i) => <StageRow key={i} stage={stage} />)}</tbody>
          </table>
        </section>
      )}
      {report.partitions.length > 0 && <Partitions partitions={report.partitions} />}
      {report.decisions.length > 0 && (
        <section>
          <h3>Decisions</h3>
          <ul className="decisions">
            {report.decisions.map((decision, i) => (
              <li key={i}><span className="tag">{decision.rule}</span><strong>{decision.did}</strong><span className="faint">{decision.why}</span></li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function StageRow({stage}: {stage: StageReport}) {
  const done = stage.done ?? 0;
  const tasks = stage.tasks ?? 0;
  return (
    <tr>
      <td className="stage-name">{stage.state !== null && <StateDot state={stage.state as AnyState} />} {stage.name}</td>
      <td>
        <span className="stage-progress">
          {stage.tasks !== null && <progress value={done} max={Math.max(1, tasks)} aria-label={`${done} of ${tasks} tasks done`} />}
          <span className="number">{stage.tasks === null ? '–' : stage.done === null ? formatCount(tasks) : `${formatCount(done)} / ${formatCount(tasks)}`}</span>
        </span>
      </td>
      <td className="right number">{formatCount(stage.rowsIn)}</td>
      <td className="right number">{formatCount(stage.rowsOut)}</td>
      <td className="right number">{formatBytes(stage.bytesIn)}</td>
      <td className="right number">{formatBytes(stage.bytesOut)}</td>
      <td className="right">{stage.seconds !== null ? <span className="number">{formatDuration(stage.seconds)}</span> : <Lasted start={stage.start} end={stage.end} />}</td>
    </tr>
  );
}

// One bar a partition, and the mean as a line: skew is what sticks out.
function Partitions({partitions}: {partitions: PartitionReport[]}) {
  const byBytes = partitions.some((partition) => partition.bytes !== null);
  const size = (partition: PartitionReport) => (byBytes ? partition.bytes : partition.rows) ?? 0;
  const largest = Math.max(1, ...partitions.map(size));
  const mean = partitions.reduce((sum, partition) => sum + size(partition), 0) / partitions.length;
  const sorted = partitions.map(size).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return (
    <section>
      <h3>Partitions <span className="faint">{partitions.length}{median > 0 && `, the largest is ${(largest / median).toFixed(2)} × the median`}</span></h3>
      <div className="partitions" style={{maxWidth: partitions.length * kWidestBar}} role="img" aria-label={`${partitions.length} partitions`}>
        <span className="partition-mean" style={{bottom: `${(mean / largest) * 100}%`}} title="mean" />
        {partitions.map((partition) => (
          <span key={partition.index} className="partition" data-hot={median > 0 && size(partition) > 1.5 * median}
            title={`partition ${partition.index}: ${formatCount(partition.rows)} rows, ${formatBytes(partition.bytes)}`}>
            <span className="partition-bar" style={{height: `${Math.max(2, (size(partition) / largest) * 100)}%`}} />
          </span>
        ))}
      </div>
    </section>
  );
}
