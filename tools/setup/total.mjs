/** Prints how many tests `npm test` and `npm run test:spark` ran together, the last time each was run. */
import { summaryLine, totalOf } from "./counts.mjs";

console.log(summaryLine(totalOf(["test", "test-spark"])));
