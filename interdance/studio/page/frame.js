/* Beside a result's own program: lets the studio around it play two of them together. */
addEventListener('message', event => {
  const page = window.__interdance;
  if (event.source !== parent || !page?.ready) return;
  const { act, muted } = event.data ?? {};
  const mute = document.getElementById('mute');
  if (muted !== undefined && page.clock.audio && page.clock.audio.muted !== muted) mute.click();
  if (act === 'play') {
    document.getElementById('big').hidden = true;
    page.seek(0);
    page.play();
  } else if (act === 'pause') {
    page.pause();
  }
});
const told = setInterval(() => {
  if (!window.__interdance) return;
  clearInterval(told);
  parent.postMessage({ ready: window.__interdance.ready }, '*');
}, 100);
