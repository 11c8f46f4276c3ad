/** `npm start`: the page, built if need be, and the relay. */
import { buildPageIfStale } from "../cli/page-build.ts";
import { serve } from "./serve.ts";

await buildPageIfStale();
await serve();
