# SPDX-License-Identifier: Apache-2.0
"""Messages and mailboxes, well made and otherwise."""

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import mbox
from beast_ops.ingest.parse.model import About
from tests.e2e import samples

HEAD = "From: Ada Lovelace <ada@example.org>\nTo: Charles Bäbbage <charles@example.org>"
ENVELOPE = b"From a@example.org Wed Jan 31 12:00:00 2024\n"


def test_a_message_says_who_when_what_and_what_is_attached(read_as):
    document = read_as("a.eml", samples.eml(["One & zwölf.", "Three."]))

    (section,) = document.sections
    assert ("mail", "The Title, größer") == (document.type, document.title)
    assert ("The Title, größer",) == section.heading
    assert (
        f"The Title, größer\n{HEAD}\nDate: 2024-01-31T12:00:00Z\n\nOne & zwölf.\nThree.\n\n"
        "Attachments: plän.pdf"
    ) == section.text
    author = "Ada Lovelace <ada@example.org>"
    assert About(author, "2024-01-31T12:00:00Z", None, "en-GB") == document.about


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Content-Type: text/html\n\n<style>x</style><p>Text <b>here</b>", "Text here"),
        ("Content-Type: text/html; charset=latin-1\n\nsch\xf6n", "schön"),
        ("Content-Type: text/plain; charset=latin-1\n\nsch\xf6n", "schön"),
        ("Content-Type: text/plain; charset=ascii\n\nsch\xc3\xb6n", "schön"),
        ("Content-Type: text/plain; charset=hex\n\n41", "41"),
        ("Content-Transfer-Encoding: base64\n\nSGVsbG8=", "Hello"),
        ("Content-Transfer-Encoding: base64\n\n!!!", None),
        ("Content-Transfer-Encoding: unknown\n\ntext", "text"),
        ("Content-Type: multipart/mixed\n\nno boundary", "no boundary"),
        ("Content-Type: application/pdf\n\nxx", None),
        ("Content-Type: text/plain\nContent-Disposition: attachment\n\nxx", None),
        ("Content-Type: text/plain; name=a.txt\nContent-Disposition: inline\n\ntext", "text"),
    ],
)
def test_texts_are_decoded_as_declared_if_that_is_true(read_as, message, said):
    document = read_as("a.eml", b"Subject: S\n" + message.encode("latin-1"))

    assert ("S\n\n" + said if said else "S") == document.sections[0].text


ALTERNATIVES = (
    'Subject: S\nContent-Type: multipart/alternative; boundary="b"\n\n'
    "--b\nContent-Type: text/plain\n\n{}\n--b\nContent-Type: text/html\n\n<p>rich\n--b--\n"
)


@pytest.mark.parametrize(("plain", "said"), [("plain", "plain"), ("", "rich"), (" \n", "rich")])
def test_of_the_same_text_in_two_ways_the_plain_one_is_read_if_it_is_there(read_as, plain, said):
    document = read_as("a.eml", ALTERNATIVES.format(plain).encode())

    assert f"S\n\n{said}" == document.sections[0].text


def test_a_forwarded_message_is_read_as_well(read_as):
    inner = samples.eml(["Inside."]).decode()
    outer = f"Subject: Fwd\nContent-Type: message/rfc822\n\n{inner}"

    text = read_as("a.eml", outer.encode()).sections[0].text

    assert text.startswith("Fwd\n\nForwarded message:\n\nThe Title, größer\nFrom: Ada")
    assert "\n\nInside." in text


@pytest.mark.parametrize(
    "header",
    [
        "Subject: =?utf-8?b?!!!?=",
        "Subject: =?nonsense?q?x?=",
        "Subject: =?utf-8?q?=ff?=",
        "Subject: \xff\xfe",
        "Date: yesterday\nSubject: x",
        "Date: Wed, 99 Jan 99999999 12:00:00 +9999\nSubject: x",
        "Date: Wed, 31 Jan 2024 12:00:00 +999999999\nSubject: x",
        "From: <<<>>>,;:\nSubject: x",
        "Subject: x\nContent-Type: application/x; name*=utf-8''%ff%fe; name*0*=x\nX",
        "Subject: x\nContent-Type: text/plain; charset*0*=a'b'c; charset*1=d",
    ],
)
def test_headers_of_any_kind_are_survived(read_as, header):
    document = read_as("a.eml", header.encode("latin-1") + b"\n\nBody.")

    assert document.sections[0].text.endswith("Body.") or "application" in header


def test_what_is_no_message_is_refused(read_as):
    with pytest.raises(DocumentError, match="not a message: it has no headers"):
        read_as("a.eml", b"Dear all,\n\nhello.\n")


def nested(depth):
    opening = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth)
    )
    return f"Subject: x\n{opening}\n\ntext".encode()


def test_messages_in_messages_without_end_are_refused(read_as):
    assert read_as("a.eml", nested(20)).sections[0].text.endswith("text")
    with pytest.raises(DocumentError, match="nested too deeply"):
        read_as("a.eml", nested(5000))


def test_a_mailbox_is_a_section_per_message(read_as):
    document = read_as("a.mbox", samples.mbox(["One.", "Two."]))

    first, second = document.sections
    assert ("mail", None) == (document.type, document.note)
    assert "One.\nTwo.\n\nAttachments: plän.pdf" in first.text
    assert ("Re: Title",) == second.heading
    assert "Re: Title\n\nFrom here on.\n\nFrom what I know." == second.text


def test_messages_that_cannot_be_read_cost_only_themselves(read_as):
    box = ENVELOPE + nested(5000) + b"\n\n" + ENVELOPE + b"Subject: good\n\ntext\n\n" + ENVELOPE

    document = read_as("a.mbox", box)

    assert ["good\n\ntext"] == [each.text for each in document.sections]
    assert "2 of 3 messages cannot be read" == document.note


def test_line_ends_of_windows_part_messages_too(read_as):
    box = samples.mbox(["One."]).replace(b"\n", b"\r\n")

    assert 2 == len(read_as("a.mbox", box).sections)


def test_what_is_no_mailbox_is_refused(read_as):
    with pytest.raises(DocumentError, match="not a mailbox"):
        read_as("a.mbox", b"From me to you\n")


def test_a_mailbox_of_too_much_text_is_refused(read_as, monkeypatch):
    monkeypatch.setattr(mbox, "TEXT_BYTES", 100)

    with pytest.raises(DocumentError, match="its text is larger"):
        read_as("a.mbox", samples.mbox(["One."] * 20))
