// The stream says that something is new; what it is, is fetched. Without it the page polls as ever.
const LONGEST_WAIT_MS = 60000;

export function listen(port, view, isNew, heard) {
  let wait = 2000;
  const open = () => {
    if (document.hidden) {
      document.addEventListener("visibilitychange", open, { once: true });
      return;
    }
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.hostname}:${port}/ws?view=${view}`);
    socket.onopen = () => { wait = 2000; };
    socket.onmessage = (message) => { if (isNew(JSON.parse(message.data).etag)) heard(); };
    socket.onclose = () => {
      setTimeout(open, wait * (0.75 + Math.random() / 2));
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    };
  };
  open();
}
