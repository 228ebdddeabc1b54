// Says the browser's time zone, keeps the focus still, and refuses too large files before they
// are sent. Reading needs none of it.
"use strict";
(function () {
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  if (zone && document.cookie.indexOf("issuance_zone=" + zone) < 0) {
    document.cookie = "issuance_zone=" + zone + "; path=/; max-age=31536000; SameSite=Lax";
  }
  document.addEventListener("change", function (event) {
    var input = event.target;
    var most = Number(input.dataset.mostBytes);
    var file = most && input.files[0];
    input.setCustomValidity && input.setCustomValidity(
      file && file.size > most ? "The file is larger than " + most.toLocaleString() + " bytes." : ""
    );
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    // What a person is about to press must not move: a focused control pauses the refresh.
    var part = event.detail.target;
    if (part.id === "live" && part.contains(document.activeElement)) {
      event.detail.shouldSwap = false;
    }
  });
})();
