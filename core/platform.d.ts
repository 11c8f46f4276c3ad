/**
 * The globals that every runtime of the project shares (browsers, workers, Node ≥ 24), declared here
 * because a bare `lib: es2024` has none of them. Only core's tsconfig sees this file.
 */

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}

interface CryptoKey {
  readonly type: string;
  readonly extractable: boolean;
}
interface CryptoKeyPair {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}
interface SubtleCrypto {
  digest(algorithm: "SHA-256", bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
  generateKey(algorithm: "Ed25519", extractable: boolean, usages: string[]): Promise<CryptoKeyPair>;
  importKey(
    format: "raw" | "pkcs8",
    bytes: Uint8Array<ArrayBuffer>,
    algorithm: "Ed25519",
    extractable: boolean,
    usages: string[],
  ): Promise<CryptoKey>;
  exportKey(format: "raw" | "pkcs8", key: CryptoKey): Promise<ArrayBuffer>;
  sign(algorithm: "Ed25519", key: CryptoKey, bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
  verify(
    algorithm: "Ed25519",
    key: CryptoKey,
    signature: Uint8Array<ArrayBuffer>,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<boolean>;
}
declare const crypto: { readonly subtle: SubtleCrypto };
