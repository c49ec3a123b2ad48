"""Structured log records: `log.info("alert", sensor="a", value=31)`.

The standard module `logging` writes here too; what its calls give as `extra` becomes fields.
"""

import json
import logging
from typing import Any, Literal

from wit_world.imports import logging as host

type LevelName = Literal["trace", "debug", "info", "warn", "error"]


def trace(message: str, **fields: Any) -> None:
    _write(host.Level.TRACE, message, fields)


def debug(message: str, **fields: Any) -> None:
    _write(host.Level.DEBUG, message, fields)


def info(message: str, **fields: Any) -> None:
    _write(host.Level.INFO, message, fields)


def warn(message: str, **fields: Any) -> None:
    _write(host.Level.WARN, message, fields)


def error(message: str, **fields: Any) -> None:
    _write(host.Level.ERROR, message, fields)


def enabled(level: LevelName) -> bool:
    """Whether a record of this level would be kept."""
    return host.enabled(host.Level[level.upper()])


class Handler(logging.Handler):
    """Takes the records of the standard module `logging` to the host."""

    # What every record has; anything else came as `extra`.
    _standard = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = _level(record.levelno)
            if not host.enabled(level):
                return
            fields = {key: value for key, value in vars(record).items() if key not in self._standard}
            fields["logger"] = record.name
            if record.exc_info and record.exc_info[0] is not None:
                formatter = self.formatter or logging.Formatter()
                fields["stack"] = formatter.formatException(record.exc_info)
            _write(level, record.getMessage(), fields)
        except Exception:
            self.handleError(record)


def install() -> None:
    """Send the standard module's records to the host, which decides what is kept."""
    logging.basicConfig(handlers=[Handler()], level=logging.NOTSET)


def _level(number: int) -> host.Level:
    if number >= logging.ERROR:
        return host.Level.ERROR
    if number >= logging.WARNING:
        return host.Level.WARN
    if number >= logging.INFO:
        return host.Level.INFO
    return host.Level.DEBUG if number >= logging.DEBUG else host.Level.TRACE


def _write(level: host.Level, message: str, fields: dict[str, Any]) -> None:
    host.log(level, str(message), [(key, _text(value)) for key, value in fields.items()])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
