// A graph of very many tasks seen from far away, as one drawing: a thousand cards would be a thousand layers for the browser to
// move, and none of them could be read. A click still opens what it hits; coming closer shows the cards.
import {memo, useMemo} from 'react';
import {getBezierPath, Position, ViewportPortal} from '@xyflow/react';
import {stateClass, stateLabel} from './state';
import type {GridCell} from '../api/types';
import type {Direction} from '../graph/layout';
import type {Box} from '../graph/nested';
import type {Arrow} from '../graph/structure';

interface Props {
  boxes: readonly Box[];
  arrows: readonly Arrow[];
  direction: Direction;
  cellOf: (id: string) => GridCell | undefined;
  labelOf: (id: string) => string;
  // What is said where one points; otherwise the id and its state.
  titleOf?: (id: string) => string;
  // What besides its state says how a box looks.
  formOf?: (id: string) => string;
  onChoose: (id: string) => void;
}

const kLetter = 0.6;

export const GraphPicture = memo(function GraphPicture({
  boxes,
  arrows,
  direction,
  cellOf,
  labelOf,
  titleOf,
  formOf,
  onChoose,
}: Props) {
  const lines = useMemo(() => linesOf(boxes, arrows, direction), [boxes, arrows, direction]);
  return (
    <ViewportPortal>
      <svg
        className="graph-picture"
        onClick={(event) => {
          const id = (event.target as Element).getAttribute('data-id');
          if (id !== null) onChoose(id);
        }}
      >
        {boxes
          .filter((box) => box.open)
          .map((box) => (
            <rect
              key={box.id}
              className={`picture-group ${stateClass(cellOf(box.id)?.state)}`}
              x={box.x}
              y={box.y}
              width={box.width}
              height={box.height}
              rx={12}
            />
          ))}
        <path className="picture-lines" d={lines} />
        {boxes
          .filter((box) => !box.open)
          .map((box) => {
            const state = cellOf(box.id)?.state;
            return (
              <rect
                key={box.id}
                data-id={box.id}
                className={`picture-task ${stateClass(state)} ${formOf?.(box.id) ?? ''}`}
                x={box.x}
                y={box.y}
                width={box.width}
                height={box.height}
                rx={8}
              >
                <title>{titleOf?.(box.id) ?? `${box.id}: ${stateLabel(state)}`}</title>
              </rect>
            );
          })}
        {boxes
          .filter((box) => box.open)
          .map((box) => {
            const label = labelOf(box.id);
            const size = Math.min(box.height * 0.5, (box.width * 0.8) / (label.length * kLetter), 150);
            return (
              <text
                key={box.id}
                data-id={box.id}
                className="picture-label"
                x={box.x + box.width / 2}
                y={box.y + box.height / 2}
                fontSize={size}
              >
                {label}
              </text>
            );
          })}
      </svg>
    </ViewportPortal>
  );
});

// All arrows as one path.
function linesOf(boxes: readonly Box[], arrows: readonly Arrow[], direction: Direction): string {
  const places = new Map(boxes.map((box) => [box.id, box]));
  const right = direction === 'right';
  const paths: string[] = [];
  for (const {from, to} of arrows) {
    const one = places.get(from);
    const other = places.get(to);
    if (!one || !other) continue;
    const [path] = getBezierPath({
      sourceX: right ? one.x + one.width : one.x + one.width / 2,
      sourceY: right ? one.y + one.height / 2 : one.y + one.height,
      sourcePosition: right ? Position.Right : Position.Bottom,
      targetX: right ? other.x : other.x + other.width / 2,
      targetY: right ? other.y + other.height / 2 : other.y,
      targetPosition: right ? Position.Left : Position.Top,
    });
    paths.push(path);
  }
  return paths.join('');
}
