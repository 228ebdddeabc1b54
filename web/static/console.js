// Says the browser's time zone, and keeps the focus still. Reading needs neither.
"use strict";
(function () {
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  if (zone && document.cookie.indexOf("issuance_zone=" + zone) < 0) {
    document.cookie = "issuance_zone=" + zone + "; path=/; max-age=31536000; SameSite=Lax";
  }
  document.addEventListener("htmx:beforeSwap", function (event) {
    // What a person is about to press must not move: a focused control pauses the refresh.
    var part = event.detail.target;
    if (part.id === "live" && part.contains(document.activeElement)) {
      event.detail.shouldSwap = false;
    }
  });
})();
