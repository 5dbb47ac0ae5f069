/** Runs one case once, and kills itself in an epoch that it is in for the first time: `golden-child.ts <case> <folder> <shift> <options>`. */
import { tell } from "../kill/victim.ts";
import { runUntilKilled } from "./golden.ts";

const [name = "", folder = "", shift = "", options = ""] = process.argv.slice(2);
tell(await runUntilKilled(name, folder, Number(shift), JSON.parse(options) as object));
