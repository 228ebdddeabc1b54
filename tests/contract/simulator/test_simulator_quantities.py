import pytest


def points_and_units(entry):
    # Each of a vendor's objects has the points of all units (rewards-api §8).
    count = max if entry["vendor"] else sum
    vouchers = entry["intouch"] or entry["vendor"]
    return count(int(voucher["pointsRedeemed"]) for voucher in vouchers), len(vouchers)


@pytest.mark.parametrize(
    ("reward", "quantity", "config", "points", "units"),
    [
        (1002, 3, None, 30, 3),
        (1009, None, None, 3, 1),
        (1009, 40, None, 114, 1),
        (1016, 3, None, 7, 1),
        (1009, None, {"points": 500}, 500, 1),
        (1009, 1, {"redemptionValue": 100}, 286, 1),
        (1009, 3, {"redemptionValue": 100}, 857, 3),
        (1009, 3, {"id": 91, "redemptionValue": 100}, 857, 3),
        (1002, 1.56, None, 10, 1),
        (1002, "2", None, 20, 2),
        (1002, None, None, 10, 1),
    ],
)
def test_units_and_points_of_a_bulk_line_follow_the_documents(
    api, sim, *, reward, quantity, config, points, units
):
    line = api.line(reward, key="k", paymentConfig=config) | {"quantity": quantity}
    entry = api.issue(line)["rewards"][0]
    assert points_and_units(entry) == (points, units)
    assert (entry["requestedQuantity"], entry["quantity"]) == (units, units)
    assert (sim.truth("k")["pointsCharged"], sim.truth("k")["requested"]) == (points, units)


@pytest.mark.parametrize(
    ("reward", "body", "points"),
    [
        (1016, {"paymentConfig": {"redemptionValue": 1000}}, 2273),
        (1016, {"quantity": 1}, 2),
        (1009, {"quantity": 40}, 114),
        (1009, {"paymentConfig": {"redemptionValue": 100}}, 286),
        (1009, {"quantity": 3, "paymentConfig": {"redemptionValue": 100}}, 286),
        (1009, {}, 3),
        (1002, {"quantity": 5}, 10),
    ],
)
def test_a_single_issue_gives_one_unit_whatever_the_quantity(api, sim, reward, body, points):
    reply = api.single(reward, requestId="k", **body).json()
    assert (reply["intouch"] or reply["vendor"])["pointsRedeemed"] == str(points)
    assert (sim.truth("k")["issued"], sim.truth("k")["pointsCharged"]) == (1, points)


def test_points_are_converted_into_the_value_they_buy(api):
    entry = api.issue(api.line(1009, paymentConfig={"points": 500}))["rewards"][0]
    assert entry["redemptionDetails"] == {"redemptionType": "MILES", "totalRedemptionValue": 175.0}
    assert entry["paymentConfig"] == {
        "paymentMode": "CONV_RATIO",
        "id": 91,
        "conversionRatio": 0.35,
    }


def test_only_conv_ratio_returns_points_with_three_decimals(api):
    miles, coupon = api.issue(
        api.line(1009, paymentConfig={"redemptionValue": 100}), api.line(1002)
    )["rewards"]
    assert miles["vendor"][0]["pointsRedeemedInDecimal"] == "285.714"
    assert "pointsRedeemedInDecimal" not in coupon["intouch"][0]


def test_a_switch_sets_the_cap_on_conv_ratio_quantities(api, sim):
    assert api.issue(api.line(1009, 40))["status"]["code"] == 200
    sim.switch(conv_ratio_cap=5)
    assert api.issue(api.line(1009, 5))["status"]["code"] == 200
    assert "Maximum quantity allowed is 5" in api.issue(api.line(1009, 6))["status"]["message"]
    assert (
        api.issue(api.line(1009, 6, paymentConfig={"redemptionValue": 1}))["status"]["code"] == 200
    )
