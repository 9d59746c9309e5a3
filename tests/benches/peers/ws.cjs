// An echo server on Node's `ws`, as its README writes it, with its defaults. Ends by itself after a quarter of an hour.
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
  console.log(`ws://127.0.0.1:${server.address().port}/`);
});
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
setTimeout(() => process.exit(0), 15 * 60 * 1000);
