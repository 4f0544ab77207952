// The end of a list that comes by pages: asks for the next one as soon as it comes into view, or by its button.
import {useEffect, useRef} from 'react';

interface Query {
  data: {rows: readonly unknown[]; total: number} | undefined;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => Promise<unknown>;
}

export function More({query}: {query: Query}) {
  const button = useRef<HTMLButtonElement>(null);
  const latest = useRef(query);
  latest.current = query;
  const shown = query.hasNextPage;
  useEffect(() => {
    const element = button.current;
    if (!element || query.isFetchingNextPage) return;
    const observer = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && void latest.current.fetchNextPage(),
      {rootMargin: '600px'},
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [shown, query.isFetchingNextPage]);
  if (!shown || !query.data) return null;
  return (
    <button
      ref={button}
      type="button"
      className="button more"
      disabled={query.isFetchingNextPage}
      onClick={() => void query.fetchNextPage()}
    >
      Show more ({query.data.total - query.data.rows.length} left)
    </button>
  );
}
