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
  var opened = [];
  function isFilledIn(field) {
    return field.type !== "hidden" && field.defaultValue !== undefined && field.value !== field.defaultValue;
  }
  document.addEventListener("htmx:beforeSwap", function (event) {
    // What a person is about to press must not move: a focused control pauses the refresh, and so
    // does a form that is being filled in.
    var part = event.detail.target;
    if (part.id !== "live") { return; }
    var fields = Array.prototype.slice.call(part.querySelectorAll("input"));
    if (part.contains(document.activeElement) || fields.some(isFilledIn)) {
      event.detail.shouldSwap = false;
      return;
    }
    opened = Array.prototype.map.call(part.querySelectorAll("details[open][id]"), function (each) {
      return each.id;
    });
  });
  document.addEventListener("htmx:afterSwap", function () {
    opened.forEach(function (id) {
      var each = document.getElementById(id);
      if (each) { each.open = true; }
    });
  });
})();
