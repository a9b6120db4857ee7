"""Sizes and order."""

from checks import STEP, equal, true

from .registry import scenario


@scenario("size-text-edges", limit=30)
def size_text_edges(scene):
    peer = scene.connect()
    for size in (2_047, 4_096, 16_383, 32_768, 65_535, 65_536, 70_000):
        for character in ("é", "漢", "😀"):
            # One byte more or less in front moves the cut through the characters.
            for front in ("", "a"):
                width = len(character.encode())
                text = front + character * ((size - len(front)) // width)
                equal(text, peer.call("Echo", text), f"{size} bytes of {character}")


@scenario("size-megabyte", limit=30)
def size_megabyte(scene):
    peer = scene.connect()
    equal(1_000_000, peer.call("Length", "y" * 1_000_000, timeout=20))
    text = peer.call("Big", 1_000_000, timeout=20)
    true(text == "x" * 1_000_000, f"Big returned {len(text)} characters")


@scenario("size-over-limit", limit=30)
def size_over_limit(scene):
    peer, witness = scene.several(2)
    try:
        peer.send("Length", "z" * 1_200_000)
    except Exception:
        # The end may come while the client still writes; what counts is that it comes.
        pass
    true(peer.client.closed.wait(STEP), "the client does not notice the end")
    equal("here", witness.call("Echo", "here"))
    equal("again", scene.connect().call("Echo", "again"))


@scenario("order-down", limit=30)
def order_down(scene):
    peer = scene.connect(hears=str.isdigit)
    peer.send("Many", 1000)
    for i in range(1000):
        equal(str(i), peer.next(), "the next message")


@scenario("order-up", limit=60)
def order_up(scene):
    peers = scene.several(2)
    texts = [scene.name() for _ in range(1000)]
    for text in texts:
        peers[0].send("ToClient", peers[1].id, text)
    for text in texts:
        equal(text, peers[1].next(), "the next message")
    peers[0].call("Nothing")
    true(not peers[1].has_text, "there are more messages than were sent")


@scenario("order-group-churn", limit=60)
def order_group_churn(scene):
    member_, churner, sender = scene.several(3)
    group = scene.name("group")
    member_.call("Join", group)
    texts = [scene.name() for _ in range(200)]
    for i, text in enumerate(texts):
        if i % 10 == 0:
            churner.send("Join" if i % 20 == 0 else "Leave", group)
        sender.send("ToGroup", group, text)
    for text in texts:
        equal(text, member_.next(), "the next message")
