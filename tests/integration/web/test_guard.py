"""What every request passes."""

import pytest

from web.guard import HEADERS

_PATHS = ["/", "/login", "/no-such-page", "/static/style.css", "/livez"]


@pytest.mark.parametrize("path", _PATHS)
def test_every_answer_has_the_safe_headers(console, path):
    answer = console.browser("viewer").get(path)
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)


def test_pages_are_not_kept_by_browsers_and_static_files_are(console):
    client = console.browser("viewer")
    assert client.get("/").headers["cache-control"] == "no-store"
    assert "max-age" in client.get("/static/style.css").headers["cache-control"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5557", "127.0.0.1:80"])
def test_a_request_for_another_host_is_refused(console, host):
    assert console.browser("viewer").get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_form_of_another_site_changes_nothing(console, site):
    client = console.browser("admin")
    answer = client.post("/campaigns/diwali/pause", headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    assert "running" in client.get("/campaigns/diwali").text


@pytest.mark.parametrize(
    ("origin", "status"),
    [("ours", 303), ("http://evil.example", 403), ("null", 403), (None, 403)],
)
def test_without_fetch_metadata_the_origin_decides(console, origin, status):
    client = console.browser("admin")
    del client.headers["sec-fetch-site"]
    given = console.site.url if origin == "ours" else origin
    headers = {} if given is None else {"origin": given}
    assert client.post("/campaigns/diwali/pause", headers=headers).status_code == status


def test_a_form_that_is_too_long_is_refused(console):
    answer = console.browser("admin").post("/search", data={"q": "x" * 200_000})
    assert answer.status_code == 409
    assert "too long" in answer.text
