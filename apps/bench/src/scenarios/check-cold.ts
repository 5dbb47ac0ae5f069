import { join } from "node:path";
import { atMostSeconds } from "../judge.ts";
import { python, root, sferic, wholeProcess, workDirectory } from "../places.ts";
import type { Scenario } from "../scenario.ts";

const spec = join(root, "apps/cases/lightning-clusters/pipeline.json");
const check = "sferic check";
const first = "sferic check, for the first time";

/** How long a person waits for an answer about a spec. */
export const checkCold: Scenario = {
  name: "check-cold",
  summary:
    "`sferic check` of the demo's clusters pipeline, a new process each time. For the first time: Node has not kept its compiled modules yet.",
  repetitions: 21,
  warmUps: 1,
  prepare: async () => {
    const emptied = join(workDirectory, "first-time");
    return {
      contenders: [
        { name: check, command: wholeProcess("", [...sferic, "check", spec]) },
        {
          name: first,
          command: wholeProcess(emptied, ["/usr/bin/env", `SFERIC_CACHE_DIR=${emptied}`, ...sferic, "check", spec]),
        },
        { name: "node, doing nothing", command: wholeProcess("", [process.execPath, "-e", "0"]) },
        { name: "python importing pandas", command: wholeProcess("", [python, "-c", "import pandas"]) },
      ],
      checks: [],
      requirements: [atMostSeconds(check, 0.3)],
    };
  },
};
