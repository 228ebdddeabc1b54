"""The digest of a campaign: any change gives another one, the same content the same."""

from hashlib import sha256

from hypothesis import assume, given
from hypothesis import strategies as st

from issuance.campaign_digest import block_digest, campaign_digest

JOBS = st.lists(
    st.tuples(
        st.text("0123456789abcdef-", min_size=1, max_size=4).map(str.encode),
        st.text('{}":,a1', max_size=6).map(str.encode),
    ),
    max_size=5,
)
SETTINGS = st.dictionaries(
    st.sampled_from(["rate", "window", "canary"]), st.none() | st.integers(0, 3) | st.text("ab")
)
POINTS = st.dictionaries(st.sampled_from(["1001", "ext:A"]), st.none() | st.integers(0, 3))
CONTENT = st.tuples(SETTINGS, POINTS, st.lists(JOBS, max_size=3))


def digest(content):
    settings, points, blocks = content
    return campaign_digest(settings, points, map(block_digest, blocks))


@given(CONTENT, CONTENT)
def test_different_content_has_different_digests(one, other):
    assume(one != other)
    assert digest(one) != digest(other)


@given(CONTENT)
def test_the_same_content_has_the_same_digest_whatever_the_order_of_the_names(content):
    settings, points, blocks = content
    turned = (
        dict(reversed(settings.items())),
        dict(reversed(points.items())),
        [list(block) for block in blocks],
    )
    assert digest(turned) == digest(content)


def test_the_digest_is_the_documented_one():
    block = sha256(b"id-1\n{}\nid-2\n[]").digest()
    head = b'{"format":1,"settings":{"rate":60},"points":{"1001":10000}}'
    assert campaign_digest({"rate": 60}, {"1001": 10_000}, [block]) == (
        sha256(head + block).hexdigest()
    )
    assert block_digest([(b"id-1", b"{}"), (b"id-2", b"[]")]) == block
