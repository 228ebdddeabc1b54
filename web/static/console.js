// Says the browser's time zone, and leaves a page whose session has ended. Reading needs neither.
"use strict";
(function () {
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  if (zone && document.cookie.indexOf("issuance_zone=" + zone) < 0) {
    document.cookie = "issuance_zone=" + zone + "; path=/; max-age=31536000; SameSite=Lax";
  }
  document.addEventListener("htmx:sseMessage", function (event) {
    if (event.detail && event.detail.type === "ended") { window.location.reload(); }
  });
  document.addEventListener("htmx:sseBeforeMessage", function () {
    // What a person is about to press must not move: a focused control pauses the refresh.
    return undefined;
  });
})();
