import type { PlanChange } from "./checkpoint/plan-changes.ts";
import type { StateReports } from "./checkpoint/states.ts";
import type { RunResult } from "./result.ts";

/** Rows an operator has taken and given so far in the epoch. */
export interface OperatorProgress {
  readonly operatorId: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
}

/** Where an epoch stands in the checkpoint protocol. */
export type ProtocolPoint =
  | "planned"
  | "intent"
  | "staged"
  | "prepared"
  | "published"
  | "all-published"
  | "committed"
  | "acknowledged"
  | "cleaned";

/** What happens during a run, in order. */
export type RunEvent =
  | { readonly type: "started"; readonly run: string; readonly pipeline: string; readonly checkpoint: string | null }
  | { readonly type: "recovering"; readonly epoch: number; readonly from: "intent" | "prepared" }
  | { readonly type: "set-aside"; readonly path: string }
  | { readonly type: "spec-changed"; readonly checkpoint: string; readonly changes: readonly PlanChange[] }
  | { readonly type: "progress"; readonly epoch: number; readonly progress: OperatorProgress }
  | { readonly type: "point"; readonly epoch: number; readonly point: ProtocolPoint; readonly operatorId?: string }
  | {
      readonly type: "invalid";
      readonly epoch: number;
      readonly operatorId: string;
      readonly name: string;
      readonly reason: string;
    }
  | { readonly type: "warning"; readonly operatorId: string; readonly code: string; readonly message: string }
  | { readonly type: "states"; readonly epoch: number; readonly states: StateReports }
  | { readonly type: "idle" }
  | { readonly type: "finished"; readonly result: RunResult };
