// A WebSocket to the sandbox, opened again when it breaks.

const RETRY_MILLISECONDS = 1000;

// `send` takes an act of the person. Its promise resolves once Extauth has acknowledged the act,
// with the answer if there is one.
export function connect(onTold, onProblem) {
  const waiting = new Map();
  let socket;
  let user = null;
  let number = 0;

  function open() {
    socket = new WebSocket(`ws://${location.host}/page/socket`);
    socket.addEventListener("open", () => {
      onProblem(null);
      if (user) send({ do: "become", user });
    });
    socket.addEventListener("message", (event) => {
      const told = JSON.parse(event.data);
      if ("done" in told) settle(told.done, told.answer);
      else if (told.problem) onProblem(told.problem);
      else onTold(told);
    });
    socket.addEventListener("close", () => {
      for (const one of [...waiting.keys()]) settle(one);
      onProblem("The sandbox isn't running. Start it again with: make sandbox");
      setTimeout(open, RETRY_MILLISECONDS);
    });
  }

  function settle(one, answer) {
    waiting.get(one)?.(answer);
    waiting.delete(one);
  }

  function send(wish) {
    if (wish.do === "become") user = wish.user;
    if (socket.readyState !== WebSocket.OPEN) return Promise.resolve();
    number += 1;
    const done = new Promise((resolve) => waiting.set(number, resolve));
    socket.send(JSON.stringify({ ...wish, number }));
    return done;
  }

  open();
  return send;
}
