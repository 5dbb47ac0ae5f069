/** `npm run build` of the native package. */
import { fail } from "./fail.mjs";
import { buildNative } from "./native.mjs";

await buildNative().catch(fail);
