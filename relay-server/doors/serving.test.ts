import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { ANSWER_TIMEOUT_MS } from "../../core/protocol/timeouts.ts";
import { REQUEST_TIMEOUT_MS, startServing } from "./serving.ts";

test("H2: a request that does not end in time is ended", async () => {
  const config = { host: "127.0.0.1", port: 0, trustProxy: 0 };
  const take = async (request: Request) => new Response(await request.text());
  const serving = await startServing(config, take, { requestTimeoutMs: 200 });
  const socket = connect(serving.port, config.host);
  socket.on("error", () => {}); // it may be reset instead of closed
  socket.write("PUT /x HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf");
  let answer = "";
  socket.on("data", (data) => {
    answer += data;
  });
  await once(socket, "close");
  expect(answer).toMatch(/^(HTTP\/1.1 408|$)/);
  await serving.close();
});

test("H2: a request has the time that a client waits for its answer, and some more", () => {
  expect(REQUEST_TIMEOUT_MS).toBeGreaterThanOrEqual(ANSWER_TIMEOUT_MS + 10_000);
});
