/** Plans and runs pipelines. Start with run.ts, then epoch-runner.ts. */
export * from "./checkpoint/checkpoint.ts";
export {
  type CheckpointFinding,
  type CheckpointReport,
  inspectCheckpoint,
  type ShownState,
  type UnfinishedEpoch,
} from "./checkpoint/inspect.ts";
export { type CheckpointRepair, type RepairAction, repairCheckpoint } from "./checkpoint/repair.ts";
export { resetCheckpoint } from "./checkpoint/reset.ts";
export { unlockCheckpoint } from "./checkpoint/unlock.ts";
export type { StateReport, StateReports } from "./checkpoint/states.ts";
export type { LockHolder } from "./checkpoint/lock.ts";
export { type Committed, type Intent, type Prepared } from "./checkpoint/records.ts";
export { type DeadLetter, type DeadLetterFile, readDeadLetters } from "./dead-letters.ts";
export type { PlanChange } from "./checkpoint/plan-changes.ts";
export * from "./events.ts";
export * from "./explain.ts";
export * from "./follow.ts";
export { type EpochCost, epochCost } from "./epoch-cost.ts";
export { openWindows, type WatermarkHolder, type WindowsQuery, type WindowsReport } from "./open-windows.ts";
export * from "./plan.ts";
export * from "./preview.ts";
export * from "./result.ts";
export type { LeftLetter } from "./replay.ts";
export { replayDeadLetters, type ReplayOptions, type ReplayResult, runPipeline, runPlan, withIssues } from "./run.ts";
export { engineVersion } from "./run-home.ts";
export type { RunOptions, Trigger } from "./run-options.ts";
export { type SourceRemark, sourceRemarks } from "./source-remarks.ts";
export * from "./spec-tests.ts";
