import { type Bucket, openBucket } from "./bucket.ts";
import { type Folder, openFolder } from "./folder.ts";
import type { Objects } from "./objects.ts";

/** Where objects lie, as a thread is told. */
export type ObjectsPlace = Folder | Bucket;

export const openObjects = (place: ObjectsPlace): Objects =>
  place.kind === "folder" ? openFolder(place) : openBucket(place);
