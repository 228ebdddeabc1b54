"""Replies as an operator sees them by default."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.reply_masking import show_reply

REPLY = {
    "status": {"success": True, "code": 200, "message": "issued to 919800000001"},
    "rewards": [
        {
            "requestId": "r-1",
            "rewardId": 1001,
            "quantity": 2,
            "transactionId": 300101,
            "intouch": [{"couponCode": "GOLD-12345678", "pin": 1234}],
            "vendor": [{"voucher": "V-99998888", "anything": {"new": "secret-0001"}}],
            "promotions": [],
            "restrictions": None,
        }
    ],
}


def test_known_harmless_fields_are_shown_and_all_others_masked():
    shown = json.loads(show_reply(json.dumps(REPLY).encode(), reveal=False))
    assert shown["status"] == {"success": True, "code": 200, "message": "issued to [number]"}
    (reward,) = shown["rewards"]
    shown_plainly = [
        reward[name] for name in ("requestId", "rewardId", "quantity", "transactionId")
    ]
    assert shown_plainly == ["r-1", 1001, 2, 300101]
    assert reward["intouch"] == [{"couponCode": "********678", "pin": "****"}]
    assert reward["vendor"] == [{"voucher": "********88", "anything": {"new": "********01"}}]


@pytest.mark.parametrize(
    "reply",
    [
        {"rewards": [{"promotionDetails": [{"code": "SUMMER-TREAT"}]}]},
        {"rewards": [{"promotion": {"code": "SUMMER-TREAT"}}]},
        {"rewards": [{"code": "SUMMER-TREAT", "codes": ["SUMMER-TREAT"]}]},
        {"status": {"code": "SUMMER-TREAT", "codes": ["SUMMER-TREAT"]}},
        {"code": 12345678},
    ],
)
def test_a_code_is_shown_only_where_it_is_the_code_of_a_status(reply):
    shown = show_reply(json.dumps(reply).encode(), reveal=False)
    assert "SUMMER" not in shown
    assert "12345678" not in shown


def test_the_codes_of_statuses_partners_and_errors_are_shown():
    reply = {
        "status": {"code": 8010, "partnerError": {"codes": ["12", 7]}},
        "errors": [{"code": 400}],
    }
    assert json.loads(show_reply(json.dumps(reply).encode(), reveal=False)) == reply


_KNOWN = st.text(st.sampled_from('ABCdef0123é-\\"'), min_size=4, max_size=12).filter(
    lambda value: value.strip("-")
)
_NAMES = st.sampled_from(
    ["message", "code", "requestId", "status", "vendor", "custom", "rewardType", "valid_till"]
)


@given(st.data(), _KNOWN)
def test_what_the_job_holds_is_in_no_masked_reply_under_any_name(data, known):
    texts = st.sampled_from([known, f"a {known} b", known.lower(), "other"])
    reply = data.draw(
        st.recursive(
            texts,
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(_NAMES | texts, inner, max_size=3)
            ),
        )
    )
    shown = show_reply(json.dumps(reply).encode(), reveal=False, known=[known])
    for text in (shown, *_texts(json.loads(shown))):
        assert known.lower() not in text.lower()


def _texts(value):
    match value:
        case dict():
            for name, inner in value.items():
                yield name
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case str():
            yield value


def test_empty_fields_are_left_out():
    assert "promotions" not in show_reply(json.dumps(REPLY).encode(), reveal=False)
    assert "restrictions" not in show_reply(json.dumps(REPLY).encode(), reveal=False)


def test_a_reply_that_is_not_json_is_shown_as_its_size():
    assert (
        show_reply(b"<html>919800000001</html>", reveal=False)
        == "25 bytes, not JSON; --reveal shows them"
    )


def test_reveal_shows_the_bytes_without_control_characters():
    assert (
        show_reply(b"<html>\x1b[2J\xff", reveal=True)
        == r"<html>\u001b[2J" + "\N{REPLACEMENT CHARACTER}"
    )


def test_a_bare_value_is_masked_too():
    assert show_reply(b'"GOLD-12345678"', reveal=False) == '"********678"'


def test_the_code_of_a_voucher_is_masked_and_that_of_a_status_is_shown():
    reply = {
        "status": {"code": 200},
        "data": {"vouchers": [{"code": "GOLD-12345678"}], "promotions": {"code": 87654321}},
    }
    shown = json.loads(show_reply(json.dumps(reply).encode(), reveal=False))
    assert shown == {
        "status": {"code": 200},
        "data": {"vouchers": [{"code": "********678"}], "promotions": {"code": "******21"}},
    }
