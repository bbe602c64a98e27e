"""Writes the rows of a list as CSV or XLSX, with nothing in them that a spreadsheet would run as a formula."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook

MOST_ROWS = 100_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Also after a separator or a blank: a program that splits differently must not find a formula either.
_STARTS = re.compile(r"(^|[,;|\t\r\n])(?=\s*[=+\-@\t\r＝＋－＠])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def harmless(value: Any) -> Any:
    """Return a cell without control characters, with a quote before whatever a spreadsheet takes for a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    return _STARTS.sub(r"\1'", _CONTROL.sub("", value))


class _Echo:
    def write(self, line: str) -> str:
        return line


def as_csv(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield CSV line by line, every cell quoted, so that a large export needs no memory."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_NONNUMERIC)
    yield "\ufeff"  # tells Excel that this is UTF-8
    yield writer.writerow(headers)
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def as_xlsx(title: str, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a workbook with one sheet."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(list(headers))
    for row in rows:
        sheet.append([harmless(cell) for cell in row])
    out = BytesIO()
    book.save(out)
    return out.getvalue()
