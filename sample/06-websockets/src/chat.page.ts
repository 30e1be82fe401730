export const CHAT_PAGE = `<!doctype html>
<title>06-websockets</title>
<p id="worker">connecting</p>
<form><input autofocus autocomplete="off" /> <button>say</button></form>
<ul></ul>
<script src="/socket.io/socket.io.js"></script>
<script>
  const [worker, form, input, list] = ['#worker', 'form', 'input', 'ul'].map((one) => document.querySelector(one));
  const socket = io({ upgrade: location.hash !== '#polling' });
  socket.on('welcome', ({ slot, pid }) => (worker.textContent = 'You are with slot ' + slot + ', pid ' + pid));
  socket.on('disconnect', () => (worker.textContent = 'reconnecting'));
  socket.on('said', ({ text, slot, pid }) => {
    list.prepend(document.createElement('li'));
    list.firstChild.textContent = text + ' (by slot ' + slot + ', pid ' + pid + ')';
  });
  form.onsubmit = (event) => {
    event.preventDefault();
    socket.emit('say', input.value);
    input.value = '';
  };
</script>
`;
