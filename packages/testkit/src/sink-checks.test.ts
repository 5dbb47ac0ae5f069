import { appendFile, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Batch, defineSink, OperatorError, type OperatorContext, type Sink } from "@sferic/operator";
import { makeDirectory, sizeOf } from "@sferic/operator/durable-files";
import { z } from "zod";
import { rowTexts } from "./rows.ts";
import {
  abortEndsStagingWithinASecond,
  aCrashInTheMiddleOfStagingLeavesNothing,
  aFailingWriteLeavesNothing,
  anotherProcessCanPublish,
  closingASinkTwiceIsHarmless,
  discardAfterPublishKeepsTheRows,
  discardLeavesNothing,
  epochsFollowEachOther,
  everyBatchTakenIsClosed,
  everyRowIsVisibleAfterPublish,
  examplesPublish,
  type HinderedSubject,
  obstacleChecks,
  publishingTwiceIsPublishingOnce,
  sinkChecks,
  type SinkSubject,
  stagedRowsAreInvisible,
  stagingAgainAfterACrashIsStagingOnce,
  zeroRowsLeaveNothing,
} from "./sink-checks.ts";
import { describeDoubles, forever } from "./testing/doubles.ts";

/** Where an epoch is before and after it is published. */
interface Places {
  staged(epoch: number): string;
  published(epoch: number): string;
}

/** A sink of text files, a line per row and a file per epoch, as it should be. */
function textSink({ staged, published }: Places): Sink & Required<Pick<Sink, "discard">> {
  return {
    async stage(batches, { id }) {
      const lines = await linesOf(batches);
      if (lines.length === 0) return null;
      await writeFile(staged(id), lines.join(""));
      return { rows: lines.length, record: null };
    },
    async publish(_, { id }) {
      await makeDirectory(dirname(published(id)));
      if ((await sizeOf(staged(id))) !== null) await rename(staged(id), published(id));
      return { files: [published(id)] };
    },
    discard: (epoch) => rm(staged(epoch), { force: true }),
  };
}

async function linesOf(batches: AsyncIterable<Batch>): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of batches) lines.push(...closedLines(batch));
  return lines;
}

function closedLines(batch: Batch): string[] {
  const lines = rowTexts(batch).map((text) => `${text}\n`);
  batch.close();
  return lines;
}

/** The good sink, but for what is changed. */
function sink(changes: (good: ReturnType<typeof textSink>, places: Places) => Partial<Sink> = () => ({})): SinkSubject {
  const definition = defineSink({
    type: "text",
    since: "0.1.0",
    status: "experimental",
    summary: "Write lines of text.",
    delivery: { guarantee: "exactly-once", why: "a file is renamed into place" },
    config: z.strictObject({}),
    errors: [],
    examples: [{ title: "Lines", config: {} }],
    create: (_, context) => {
      const places = placesOf(context);
      const good = textSink(places);
      return { ...good, ...changes(good, places) };
    },
  });
  return { definition, config: {}, visible: visibleLines };
}

function placesOf({ scratchDirectory, resolvePath }: OperatorContext): Places {
  return {
    staged: (epoch) => join(scratchDirectory, `${epoch}.txt`),
    published: (epoch) => resolvePath(`out/${epoch}.txt`),
  };
}

async function visibleLines(directory: string): Promise<string[]> {
  const folder = join(directory, "out");
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((text) => text.split("\n").filter((line) => line !== ""));
}

/** Stages like the good sink, but adds to what is there already. */
function adding({ staged }: Places): Pick<Sink, "stage"> {
  return {
    async stage(batches, { id }) {
      let rows = 0;
      for await (const batch of batches) {
        rows += batch.rowCount;
        await appendFile(staged(id), closedLines(batch).join(""));
      }
      return { rows, record: null };
    },
  };
}

const keepsLeftovers: Pick<Sink, "discard"> = { discard: async () => {} };

describeDoubles(sinkChecks, sink(), [
  {
    breaks: examplesPublish,
    defect: "it cannot publish",
    subject: sink(() => ({
      publish: () => Promise.reject(new OperatorError({ code: "out-of-ink", message: "There is no ink." })),
    })),
    message: /examples publish.*out-of-ink: There is no ink\./,
  },
  {
    breaks: everyRowIsVisibleAfterPublish,
    defect: "it loses the last row",
    subject: sink((good, { staged }) => ({
      async stage(batches, epoch, inputs) {
        const answer = await good.stage(batches, epoch, inputs);
        const text = await readFile(staged(epoch.id), "utf8");
        await writeFile(staged(epoch.id), text.split("\n").slice(0, -2).join("\n"));
        return answer;
      },
    })),
    message: /299 of 300 rows are visible/,
  },
  {
    breaks: stagedRowsAreInvisible,
    defect: "it stages where readers look",
    subject: sink((_, { published }) => ({
      async stage(batches, { id }) {
        const lines = await linesOf(batches);
        await makeDirectory(dirname(published(id)));
        await writeFile(published(id), lines.join(""));
        return { rows: lines.length, record: null };
      },
    })),
    message: /staged rows must not be visible/,
  },
  {
    breaks: stagedRowsAreInvisible,
    defect: "it counts batches for rows",
    subject: sink((good) => ({
      stage: async (...given) => ({ ...(await good.stage(...given))!, rows: 1 }),
    })),
    message: /stage must count the rows/,
  },
  {
    breaks: publishingTwiceIsPublishingOnce,
    defect: "publishing adds",
    subject: sink((_, { staged, published }) => ({
      async publish(_record, { id }) {
        await makeDirectory(dirname(published(id)));
        await appendFile(published(id), await readFile(staged(id)));
        return { files: [] };
      },
    })),
    message: /a second publish must change nothing/,
  },
  {
    breaks: anotherProcessCanPublish,
    defect: "it keeps the rows in memory until they are published",
    subject: sink((_, { published }) => {
      let lines: string[] = [];
      return {
        async stage(batches) {
          lines = await linesOf(batches);
          return { rows: lines.length, record: null };
        },
        async publish(_record, { id }) {
          await makeDirectory(dirname(published(id)));
          await writeFile(published(id), lines.join(""));
          return { files: [] };
        },
      };
    }),
    message: /the stored record must be enough to publish/,
  },
  {
    breaks: stagingAgainAfterACrashIsStagingOnce,
    defect: "it stages behind what an earlier attempt left",
    subject: sink((_, places) => ({ ...adding(places), ...keepsLeftovers })),
    message: /the rows must be there once/,
  },
  {
    breaks: aCrashInTheMiddleOfStagingLeavesNothing,
    defect: "it stages behind what a broken attempt left",
    subject: sink((_, places) => ({ ...adding(places), ...keepsLeftovers })),
    message: /the next attempt must be complete/,
  },
  {
    breaks: aCrashInTheMiddleOfStagingLeavesNothing,
    defect: "it shows rows as they come",
    subject: sink((_, { published }) => {
      const shown = { staged: published, published };
      return {
        async stage(...given) {
          await makeDirectory(dirname(published(0)));
          return adding(shown).stage(...given);
        },
      };
    }),
    message: /nothing of the failed attempt may be visible/,
  },
  {
    breaks: epochsFollowEachOther,
    defect: "an epoch overwrites the one before",
    subject: sink((_, { staged, published }) => ({
      async publish(_record, { id }) {
        await makeDirectory(dirname(published(0)));
        await rename(staged(id), published(0));
        return { files: [] };
      },
    })),
    message: /300 rows are visible after two epochs, not 600/,
  },
  {
    breaks: zeroRowsLeaveNothing,
    defect: "it stages an empty file",
    subject: sink((_, places) => adding(places)),
    message: /stage must say that there was nothing/,
  },
  {
    breaks: zeroRowsLeaveNothing,
    defect: "it makes the file before it has rows",
    subject: sink((good, { published }) => ({
      async stage(...given) {
        await makeDirectory(dirname(published(0)));
        await writeFile(published(0), "");
        return good.stage(...given);
      },
    })),
    message: /no file may be left[^]*out\/0\.txt/,
  },
  {
    breaks: discardLeavesNothing,
    defect: "it keeps what is staged",
    subject: sink(() => keepsLeftovers),
    message: /no file may be left[^]*\.scratch\/0\.txt/,
  },
  {
    breaks: discardAfterPublishKeepsTheRows,
    defect: "discard takes published rows with it",
    subject: sink((_, { published }) => ({ discard: (epoch) => rm(published(epoch), { force: true }) })),
    message: /published rows must stay/,
  },
  {
    breaks: discardAfterPublishKeepsTheRows,
    defect: "the staged file stays behind",
    subject: sink((good, { staged, published }) => ({
      async publish(_record, { id }) {
        await makeDirectory(dirname(published(id)));
        await writeFile(published(id), await readFile(staged(id)));
        return { files: [] };
      },
      ...keepsLeftovers,
    })),
    message: /no leftover may stay in the scratch folder/,
  },
  {
    breaks: everyBatchTakenIsClosed,
    defect: "it closes nothing",
    subject: sink(() => ({
      async stage(batches) {
        const all = await Array.fromAsync(batches);
        return { rows: all.length, record: null };
      },
    })),
    message: /3 of 3 batches were not closed/,
  },
  {
    breaks: closingASinkTwiceIsHarmless,
    defect: "it cannot be closed again",
    subject: sink(() => {
      let closings = 0;
      return {
        close: async () => {
          closings += 1;
          if (closings === 2) throw new Error("Closed already.");
        },
      };
    }),
    message: /closing a sink twice is harmless.*Closed already\./,
  },
  {
    breaks: abortEndsStagingWithinASecond,
    defect: "it does not listen to the signal",
    subject: sink(() => ({ stage: forever })),
    message: /staging must end within a second of the abort/,
  },
]);

/** The sink with a file where its folder would be. */
function hindered(subject: SinkSubject): HinderedSubject {
  const obstacle = {
    name: "a file in the way",
    codes: ["not-a-folder"],
    put: (directory: string) => writeFile(join(directory, "out"), ""),
    remove: (directory: string) => rm(join(directory, "out")),
  };
  return { ...subject, obstacle };
}

describeDoubles(obstacleChecks, hindered(sink()), [
  {
    breaks: aFailingWriteLeavesNothing,
    defect: "it keeps the failure to itself",
    subject: hindered(sink((good) => ({ publish: (...given) => good.publish(...given).catch(() => ({ files: [] })) }))),
    message: /a file in the way: writing must fail/,
  },
  {
    breaks: aFailingWriteLeavesNothing,
    defect: "it does not say what failed",
    subject: hindered(
      sink((good) => ({
        publish: (...given) =>
          good.publish(...given).catch(() => {
            throw new Error("Something went wrong.");
          }),
      })),
    ),
    message: /must fail with not-a-folder, not internal-error \(Something went wrong\.\)/,
  },
  {
    breaks: aFailingWriteLeavesNothing,
    defect: "it does not say where it failed",
    subject: hindered(
      sink((good) => ({
        publish: (...given) =>
          good.publish(...given).catch(() => {
            throw new OperatorError({ code: "not-a-folder", message: "A file is in the way." });
          }),
      })),
    ),
    message: /the message must name the path \(A file is in the way\.\)/,
  },
  {
    breaks: aFailingWriteLeavesNothing,
    defect: "it loses the staged rows when publishing fails, and never stages them again",
    subject: hindered(
      sink((good, { staged }) => ({
        async stage(...given) {
          const isSecond = (await sizeOf(`${staged(0)}.seen`)) !== null;
          const answer = await good.stage(...given);
          await writeFile(`${staged(0)}.seen`, "");
          if (isSecond) await rm(staged(0));
          return answer;
        },
      })),
    ),
    message: /the next attempt must be complete/,
  },
]);
