// Shows what is pushed, also where no page is open. What follows under the same tag takes its place:
// an update that of the alert, the all-clear that of the last word.

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => {
  let said;
  try {
    said = event.data.json();
  } catch {
    // Something must be shown for each push, or the browser shows words of its own.
    said = { title: '预警 Warning', body: '', tag: 'unreadable', urgent: true };
  }
  const rings = Boolean(said.urgent) && !said.ends;
  event.waitUntil(self.registration.showNotification(String(said.title || said.body || '预警 Warning'), {
    body: said.title ? String(said.body ?? '') : '',
    tag: String(said.tag ?? ''),
    lang: String(said.language ?? ''),
    renotify: rings && Boolean(said.tag),
    requireInteraction: rings,
    silent: !rings,
    data: { warning: said.warning, revision: said.revision, not_after: said.not_after },
  }));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    if (open.length > 0) return open[0].focus();
    return self.clients.openWindow('/');
  })());
});
