/** `npm run build` */
import { fail } from "./fail.mjs";
import { prepare } from "./prepare.mjs";

await prepare().catch(fail);
