import { basename, extname } from "node:path";

/** Names of the files of a report whose page is at `path`, all in the page's folder. */
export type ReportNames = {
  readonly page: string;
  readonly map: string;
  readonly elbow: string;
  readonly silhouette: string;
  readonly animation: string;
  readonly series: string;
};

export function reportNames(path: string): ReportNames {
  const page = basename(path);
  const base = basename(path, extname(path));
  return {
    page,
    map: `${base}-map.png`,
    elbow: `${base}-elbow.png`,
    silhouette: `${base}-silhouette.png`,
    animation: `${base}.gif`,
    series: `${base}-series.png`,
  };
}
