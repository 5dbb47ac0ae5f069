import { z } from "zod";

/** The field of sinks that says what to do when their output is gone though rows were committed to it. */
export const onMissingOutputField = z
  .enum(["stop", "start-over"])
  .default("stop")
  .describe(
    "When the output is gone though a checkpoint has committed rows to it. `stop`: end the run. `start-over`: begin a new output with the rows to come; those of before are not written again.",
  );
