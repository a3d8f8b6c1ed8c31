"""The file of a record: its schema, and how it is opened to be written."""

from __future__ import annotations

import os
import sqlite3
import stat
from typing import Final
from urllib.parse import quote

VERSION: Final = 1
"""Of the schema: `PRAGMA user_version`."""
APPLICATION: Final = 0x6D6C7065
"""`PRAGMA application_id` of every record."""
_SCHEMA: Final = """
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, function TEXT NOT NULL,
  outcome TEXT NOT NULL, severity TEXT NOT NULL, call_id TEXT NOT NULL, own_id TEXT NOT NULL,
  error_type TEXT, duration_s REAL NOT NULL, pid INTEGER NOT NULL, sample_rate REAL NOT NULL,
  event TEXT NOT NULL
);
CREATE INDEX events_time ON events (time);
CREATE INDEX events_function ON events (function, time);
CREATE INDEX events_outcome ON events (outcome, time);
CREATE INDEX events_call ON events (call_id);
CREATE INDEX events_own ON events (own_id)
"""
_BUSY: Final = 0.2
"""Seconds to wait for the lock of another process, before the batch is tried again."""


class Unusable(Exception):
    """The file is not one to write events to."""


def opened(path: str, most: int) -> sqlite3.Connection:
    """Return a connection to the record at *path*, made if there is none, of at most so many bytes."""
    _vet(path)
    found = identity(path)
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=rw",
        uri=True,
        timeout=_BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        [[version]] = connection.execute("PRAGMA user_version").fetchall()
        if found != identity(path):
            raise Unusable("it was replaced while it was opened")
        if version == 0:
            _make(connection)
        _vet_schema(connection)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        [[size]] = connection.execute("PRAGMA page_size").fetchall()
        log = min(1000, most // size // 16)
        for setting in (
            *("synchronous = NORMAL", "secure_delete = ON"),
            # (the write-ahead log may have the rest)
            *(f"max_page_count = {most * 3 // 4 // size}", f"wal_autocheckpoint = {log}"),
            f"journal_size_limit = {log * size}",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells the file at *path* from others; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _vet(path: str) -> None:
    """Make the file for its owner alone where there is none; `Unusable` where it is not ours.

    It is not opened where it is there: closing it would give up the locks that SQLite has on it.
    """
    if identity(path) is None:
        _create(path)
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise Unusable("it is a link, or no file: name the file itself")
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    if user not in (0, found.st_uid):
        raise Unusable("it belongs to another user")


def _create(path: str) -> None:
    """Make an empty file, one process at a time.

    What SQLite kept beside one that was taken away must go first: others may still have it open.
    """
    import fcntl

    try:
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unusable(f"there is no folder {os.path.dirname(path)}: make it") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if identity(path) is None:
            for beside in (f"{path}-wal", f"{path}-shm"):
                if identity(beside) is not None:
                    os.unlink(beside)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(path, flags, 0o600))
    finally:
        os.close(folder)


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables in a file that has none."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not connection.execute(
            "SELECT 1 FROM sqlite_master"
        ).fetchall():  # (or another was first)
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _vet_schema(connection: sqlite3.Connection) -> None:
    [[version]] = connection.execute("PRAGMA user_version").fetchall()
    [[application]] = connection.execute("PRAGMA application_id").fetchall()
    if application != APPLICATION:
        raise Unusable("it is an SQLite file of something else: name another file")
    if version > VERSION:
        raise Unusable(f"it is of schema {version}, and this mlpolicy knows {VERSION}: update it")
