#!/usr/bin/env python3
"""The message table of openekm.dll from src/base/err_table.def, for windmc. usage: gen_messages.py OUT.mc

An event of the Application log is a number and strings; Windows makes its text by the message of that number, here

    %1                                   the line of the log
    <what is wrong>. <What to do>        for each row that has the number as its code

The numbers are the codes of the table, without severity or facility; 0 is a line without an error, and has only %1."""

import sys
from pathlib import Path

import gen_errors

HEAD = """FacilityNames=(None=0x0)
LanguageNames=(English=0x409:MSG00409)
"""

MESSAGE = """
MessageId={number}
Severity=Success
Facility=None
Language=English
{text}
.
"""


def sentence(text):
    """A text of the table with a capital letter and a full stop, and no character that FormatMessage would take for its own."""
    return (text[:1].upper() + text[1:]).removesuffix(".").replace("%", "%%") + "."


def messages(rows):
    texts = {0: ["%1"]}
    for _, _, code, _, text, remedy in sorted(rows, key=lambda row: int(row[1])):
        if code != "0":
            texts.setdefault(int(code), ["%1", ""]).append(f"{sentence(text)} {sentence(remedy)}")
    return texts


def main():
    texts = messages(gen_errors.rows())
    body = "".join(MESSAGE.format(number=number, text="\n".join(texts[number])) for number in sorted(texts))
    Path(sys.argv[1]).write_text(HEAD + body, encoding="ascii", newline="\r\n")


if __name__ == "__main__":
    main()
