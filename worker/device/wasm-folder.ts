/**
 * Where vite.config.ts puts tfjs's wasm binaries. Their names have no hash, so the folder's has tfjs's version:
 * no cache, and no page of another build, can give the binaries of one version to the scripts of another.
 */
export const WASM_FOLDER = "/engine/wasm-4.22.0/";
