// How a mapreduce job ran: its stages with what went in and out, how even its partitions are, who worked when, and what was
// decided and why.
import {StateDot} from './state';
import {formatDuration} from '../format/duration';
import {
  workerLanes,
  type JobAttempt,
  type JobReport,
  type PartitionReport,
  type StageReport,
} from '../format/job_report';
import {formatBytes, formatCount} from '../format/number';

const kWidestBar = 46;
const kHot = 1.5;

export function JobReportView({report}: {report: JobReport}) {
  const sum = (of: (stage: StageReport) => number) => report.stages.reduce((total, stage) => total + of(stage), 0);
  const map = report.stages.find((stage) => stage.name === 'map');
  const result =
    report.stages.find((stage) => stage.name === 'publish') ?? report.stages.find((stage) => stage.name === 'reduce');
  const facts: [string, string][] = [
    ['Mode', report.mode],
    ['State', report.state],
  ];
  if (map) facts.push(['Shuffled', `${formatCount(map.outputRows)} rows, ${formatBytes(map.outputBytes)}`]);
  if (sum((stage) => stage.localBytes + stage.fetchedBytes) > 0) {
    facts.push(
      ['Read on the same host', formatBytes(sum((stage) => stage.localBytes))],
      ['Fetched', formatBytes(sum((stage) => stage.fetchedBytes))],
    );
  }
  if (sum((stage) => stage.spilledBytes) > 0) facts.push(['Spilled', formatBytes(sum((stage) => stage.spilledBytes))]);
  if (result && result.outputRows > 0)
    facts.push(['Result', `${formatCount(result.outputRows)} rows, ${formatBytes(result.outputBytes)}`]);
  const unlucky = sum((stage) => stage.failedAttempts + stage.lostAttempts);
  if (unlucky > 0) facts.push(['Attempts that failed or were lost', formatCount(unlucky)]);
  return (
    <div className="job">
      <dl className="facts facts-row job-facts">
        {facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="number">{value}</dd>
            </div>
          ))}
      </dl>
      {report.stages.length > 0 && (
        <section>
          <h3>Stages</h3>
          <table className="stage-table">
            <thead>
              <tr>
                <th>Stage</th>
                <th>Tasks</th>
                <th className="right">Rows in</th>
                <th className="right">Rows out</th>
                <th className="right">Bytes out</th>
                <th className="right">Took</th>
              </tr>
            </thead>
            <tbody>
              {report.stages.map((stage) => (
                <StageRow key={stage.name} stage={stage} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {report.partitions.length > 0 && <Partitions partitions={report.partitions} />}
      {report.attempts.length > 0 && <Attempts attempts={report.attempts} dropped={report.attemptsDropped} />}
      {report.decisions.length > 0 && (
        <section>
          <h3>Decisions</h3>
          <ul className="decisions">
            {report.decisions.map((decision, i) => (
              <li key={i}>
                <span className="tag">{decision.rule}</span>
                <strong>{decision.what}</strong>
                <span className="faint">{decision.why}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function StageRow({stage}: {stage: StageReport}) {
  const more = stage.attempts - stage.tasks;
  return (
    <tr data-stage={stage.name}>
      <td className="stage-name">
        <StateDot state={stage.state} /> {stage.name}
      </td>
      <td>
        <span className="stage-progress">
          <progress
            value={stage.done}
            max={Math.max(1, stage.tasks)}
            aria-label={`${stage.done} of ${stage.tasks} tasks done`}
          />
          <span className="number">
            {formatCount(stage.done)} / {formatCount(stage.tasks)}
          </span>
          {more > 0 && (
            <span className="faint" title={`${stage.failedAttempts} failed, ${stage.lostAttempts} lost`}>
              {stage.attempts} attempts
            </span>
          )}
        </span>
      </td>
      <td className="right number">{stage.inputRows > 0 ? formatCount(stage.inputRows) : '–'}</td>
      <td className="right number">{stage.outputRows > 0 ? formatCount(stage.outputRows) : '–'}</td>
      <td className="right number">{stage.outputBytes > 0 ? formatBytes(stage.outputBytes) : '–'}</td>
      <td className="right number">{formatDuration(stage.seconds)}</td>
    </tr>
  );
}

// One bar a partition, and the mean as a line: skew is what sticks out.
function Partitions({partitions}: {partitions: PartitionReport[]}) {
  const sizes = partitions.map((partition) => partition.bytes);
  const largest = Math.max(1, ...sizes);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const median = [...sizes].sort((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0;
  return (
    <section>
      <h3>
        Partitions{' '}
        <span className="faint">
          {partitions.length}
          {median > 0 && `, the largest is ${(largest / median).toFixed(2)} × the median`}
        </span>
      </h3>
      <div
        className="partitions"
        style={{maxWidth: partitions.length * kWidestBar}}
        role="img"
        aria-label={`${partitions.length} partitions`}
      >
        <span className="partition-mean" style={{bottom: `${(mean / largest) * 100}%`}} title="mean" />
        {partitions.map((partition, i) => (
          <span
            key={i}
            className="partition"
            data-hot={median > 0 && partition.bytes > kHot * median}
            title={`partition ${i}: ${formatCount(partition.rows)} rows, ${formatBytes(partition.bytes)}`}
          >
            <span className="partition-bar" style={{height: `${Math.max(2, (partition.bytes / largest) * 100)}%`}} />
          </span>
        ))}
      </div>
    </section>
  );
}

function Attempts({attempts, dropped}: {attempts: JobAttempt[]; dropped: number}) {
  const span = Math.max(0.001, ...attempts.map((attempt) => attempt.end));
  const title = (attempt: JobAttempt) =>
    `${attempt.stage} ${attempt.index}: ${attempt.outcome} in ${formatDuration(attempt.end - attempt.start)}${attempt.message === '' ? '' : `\n${attempt.message}`}`;
  return (
    <section>
      <h3>
        Workers{' '}
        <span className="faint">
          {formatDuration(span)}
          {dropped > 0 && `, ${formatCount(dropped)} later attempts are not shown`}
        </span>
      </h3>
      <div className="lanes">
        {workerLanes(attempts).map(({worker, lanes}) => (
          <div key={worker} className="lanes-worker">
            <span className="lanes-name" title={worker}>
              {worker}
            </span>
            <span className="lanes-rows">
              {lanes.map((lane, i) => (
                <span key={i} className="lane">
                  {lane.map((attempt, n) => (
                    <span
                      key={n}
                      className="lane-bar"
                      data-stage={attempt.stage}
                      data-outcome={attempt.outcome}
                      title={title(attempt)}
                      style={{
                        left: `${(attempt.start / span) * 100}%`,
                        width: `${((attempt.end - attempt.start) / span) * 100}%`,
                      }}
                    />
                  ))}
                </span>
              ))}
            </span>
          </div>
        ))}
      </div>
      <ul className="legend">
        {[...new Set(attempts.map((attempt) => attempt.stage))].map((stage) => (
          <li key={stage}>
            <span className="legend-mark" data-stage={stage} />
            {stage}
          </li>
        ))}
        {attempts.some((attempt) => attempt.outcome !== 'success') && (
          <li>
            <span className="legend-mark" data-outcome="failed" />
            failed or lost
          </li>
        )}
      </ul>
    </section>
  );
}
