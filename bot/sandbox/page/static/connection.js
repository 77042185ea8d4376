// One WebSocket to the sandbox, opened again when it breaks.

const RETRY_MILLISECONDS = 1000;

export function connect(onTold, onProblem) {
  let socket;
  let user = null;

  function open() {
    socket = new WebSocket(`ws://${location.host}/page/socket`);
    socket.addEventListener("open", () => {
      onProblem(null);
      if (user) send({ do: "become", user });
    });
    socket.addEventListener("message", (event) => {
      const told = JSON.parse(event.data);
      if (told.problem) onProblem(told.problem);
      else onTold(told);
    });
    socket.addEventListener("close", () => {
      onProblem("The sandbox is not running. Start it again with: make sandbox");
      setTimeout(open, RETRY_MILLISECONDS);
    });
  }

  function send(wish) {
    if (wish.do === "become") user = wish.user;
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(wish));
  }

  open();
  return send;
}
