// Server-sent events from a stream of text: https://html.spec.whatwg.org/multipage/server-sent-events.html, part 9.2.6.
// Chunks may end anywhere, also between CR and LF.

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

export class SseParser {
  private rest = '';
  private skipLineFeed = false;
  private first = true;
  private id = '';
  private event = '';
  private data: string[] = [];

  // The last id that was seen, what a resumed stream sends as Last-Event-ID.
  get lastId(): string {
    return this.id;
  }

  push(chunk: string): ServerEvent[] {
    if (this.first && chunk !== '') {
      this.first = false;
      if (chunk.startsWith('\uFEFF')) chunk = chunk.slice(1);
    }
    const events: ServerEvent[] = [];
    let begin = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (code === 10 && this.skipLineFeed && i === begin) {
        this.skipLineFeed = false;
        begin = i + 1;
        continue;
      }
      if (code !== 10 && code !== 13) continue;
      this.skipLineFeed = code === 13;
      const event = this.line(this.rest + chunk.slice(begin, i));
      if (event) events.push(event);
      this.rest = '';
      begin = i + 1;
    }
    if (begin < chunk.length) {
      this.rest += chunk.slice(begin);
      this.skipLineFeed = false;
    }
    return events;
  }

  private line(line: string): ServerEvent | null {
    if (line === '') return this.dispatch();
    if (line.startsWith(':')) return null;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.id = value;
    return null;
  }

  private dispatch(): ServerEvent | null {
    const {data, event} = this;
    this.data = [];
    this.event = '';
    return data.length === 0 ? null : {id: this.id, event: event === '' ? 'message' : event, data: data.join('\n')};
  }
}
