"""Replies as an operator sees them by default."""

import json

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
    assert reward["intouch"] == [{"couponCode": "********5678", "pin": "****"}]
    assert reward["vendor"] == [{"voucher": "******8888", "anything": {"new": "*******0001"}}]


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
        == r"<html>\x1b[2J" + "\N{REPLACEMENT CHARACTER}"
    )


def test_a_bare_value_is_masked_too():
    assert show_reply(b'"GOLD-12345678"', reveal=False) == '"********5678"'


def test_the_code_of_a_voucher_is_masked_and_that_of_a_status_is_shown():
    reply = {
        "status": {"code": 200},
        "data": {"vouchers": [{"code": "GOLD-12345678"}], "promotions": {"code": 87654321}},
    }
    shown = json.loads(show_reply(json.dumps(reply).encode(), reveal=False))
    assert shown == {
        "status": {"code": 200},
        "data": {"vouchers": [{"code": "********5678"}], "promotions": {"code": "****4321"}},
    }
