"""Participants and their answers in a database: SQLite in the study's folder, or PostgreSQL by URL.

Every call is one transaction, and what it stored is on disk when it returns. Nothing here tells who a participant is: she is
known by a secret that her browser keeps, of which the database has the hash; no names, no addresses.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from interdance.errors import InputError
from interdance.study.plan import DATABASE, Plan
from interdance.study.questions import QUESTION_KEYS, Experience, QuestionKey

Side = Literal["A", "B"]

WATCHED = 0.9
"""Share of a film's length that must have passed between its start and an answer; the rest is for clocks and networks."""
WAIT_S = 60.0
"""Seconds that a writer waits for its turn, or for a connection."""

_SCHEMA = sql.MetaData()
_STUDIES = sql.Table(
    "studies",
    _SCHEMA,
    sql.Column("key", sql.String(16), primary_key=True),
    sql.Column("next_number", sql.Integer, nullable=False),
)
_PARTICIPANTS = sql.Table(
    "participants",
    _SCHEMA,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("study", sql.ForeignKey("studies.key"), nullable=False),
    sql.Column("number", sql.Integer, nullable=False),
    sql.Column("secret_hash", sql.String(64), nullable=False, unique=True),
    sql.Column("code", sql.String(16), nullable=False, unique=True),
    sql.Column("experience", sql.String(16), nullable=False),
    sql.Column("started_at", sql.Float(53), nullable=False),
    sql.Column("finished_at", sql.Float(53)),
    sql.UniqueConstraint("study", "number"),
)
_TRIALS = sql.Table(
    "trials",
    _SCHEMA,
    sql.Column("participant", sql.ForeignKey("participants.id"), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("film", sql.String(32), nullable=False),
    sql.Column("first", sql.Integer, nullable=False),  # the half, 0 or 1, that is side A
    sql.Column("opened_at", sql.Float(53)),
    sql.CheckConstraint("first IN (0, 1)"),
)
_ANSWERS = sql.Table(
    "answers",
    _SCHEMA,
    sql.Column("participant", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("position", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("question", sql.String(16), primary_key=True),
    sql.Column("side", sql.String(1), nullable=False),
    sql.Column("first_at", sql.Float(53), nullable=False),  # of the first answer; a change does not move it
    sql.Column("changed_at", sql.Float(53), nullable=False),
    sql.ForeignKeyConstraint(["participant", "position"], ["trials.participant", "trials.position"]),
    sql.CheckConstraint("side IN ('A', 'B')"),
)


class RefusedError(Exception):
    """What a participant asked for is not there, or not yet; ``status`` is HTTP's number for it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class State:
    """How far a participant has come.

    Attributes
    ----------
    num_answered : int
        Films, from the first one on, whose every question is answered.
    num_trials : int
    code : str
        The completion code; empty before the end.
    """

    num_answered: int
    num_trials: int
    code: str


@dataclass(frozen=True)
class Shown:
    """A film before a participant: its token, and the half that is side A."""

    film: str
    first: int


@dataclass(frozen=True)
class Opened(Shown):
    """A film as it is opened, and what she answered of it already."""

    answers: dict[str, str]


@dataclass(frozen=True)
class Judged(Shown):
    """A film as a participant judged it: side by question, and seconds from its opening to the last first answer."""

    sides: dict[str, str]
    seconds: float | None


@dataclass(frozen=True)
class Record:
    """Everything that is known of one participant."""

    code: str
    experience: str
    is_finished: bool
    trials: tuple[Judged, ...]


class Store:
    """The database of a study, or the part of one that is this study's; safe to use from many threads and processes."""

    def __init__(self, plan: Plan, folder: Path, url: str | None = None, *, for_reading: bool = False) -> None:
        """Open the database, and make its tables where it has none; ``for_reading`` nothing is made.

        Raises
        ------
        InputError
            For a URL of another kind, a driver that is not installed, and a database that cannot be reached or written; for
            reading also when nobody has taken part in this study.
        """
        self.plan = plan
        self._engine = _engine(url or f"sqlite:///{(folder / DATABASE).resolve()}")
        self._insert: Callable[[sql.Table], Any] = (
            postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        )
        self._num_trials = plan.num_pairs + plan.num_checks
        try:
            if for_reading:
                self._check_known(folder)
                return
            _SCHEMA.create_all(self._engine)
            with self._engine.begin() as connection:
                row = {"key": plan.fingerprint, "next_number": 0}
                connection.execute(self._insert(_STUDIES).values(row).on_conflict_do_nothing())
        except SQLAlchemyError as error:
            raise InputError(f"{_shown(self._engine.url)}: {_reason(error)}; is it there, and may it be written?") from None

    def _check_known(self, folder: Path) -> None:
        """Raise :class:`InputError` when the database knows nothing of this study."""
        place = self._engine.url.database or ""
        is_absent = self._engine.dialect.name == "sqlite" and not Path(place).is_file()  # to look into it would make it
        if not is_absent and sql.inspect(self._engine).has_table(_STUDIES.name):
            mine = sql.select(_STUDIES.c.key).where(_STUDIES.c.key == self.plan.fingerprint)
            with self._engine.begin() as connection:
                if connection.execute(mine).first() is not None:
                    return
        self.close()
        raise InputError(f"{folder}: nobody has taken part yet; serve it with `interdance study serve {folder}`")

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def start(self, experience: Experience, now: float) -> str:
        """Take in a participant, with her sequence of films; returns her secret."""
        secret = secrets.token_urlsafe(24)
        with self._engine.begin() as connection:
            take_number = (
                sql.update(_STUDIES)
                .where(_STUDIES.c.key == self.plan.fingerprint)
                .values(next_number=_STUDIES.c.next_number + 1)
                .returning(_STUDIES.c.next_number)
            )
            number = connection.execute(take_number).scalar_one() - 1
            row = {
                "study": self.plan.fingerprint,
                "number": number,
                "secret_hash": _hash(secret),
                "code": secrets.token_hex(5).upper(),
                "experience": experience,
                "started_at": now,
            }
            identity = connection.execute(sql.insert(_PARTICIPANTS).values(row)).inserted_primary_key
            trials = [
                {
                    "participant": identity[0] if identity else None,
                    "position": position,
                    "film": self.plan.films[trial.film].token,
                    "first": trial.first,
                }
                for position, trial in enumerate(self.plan.sequence(number))
            ]
            connection.execute(sql.insert(_TRIALS), trials)
        return secret

    def state(self, secret: str) -> State:
        """How far she is. Raises :class:`RefusedError` for a secret that nobody was given."""
        with self._engine.begin() as connection:
            who = self._find(connection, secret)
            answered = self._num_answered(connection, who.id)
            return State(answered, self._num_trials, who.code if who.finished_at is not None else "")

    def open(self, secret: str, position: int, now: float) -> Opened:
        """Show a film that she has answered, or the next one.

        Raises
        ------
        RefusedError
            For an unknown secret, a position that is not hers, and one beyond the next.
        """
        with self._engine.begin() as connection:
            who = self._find(connection, secret)
            if not 0 <= position < self._num_trials:
                raise RefusedError(404, f"there is no pair {position + 1}")
            if position > self._num_answered(connection, who.id):
                raise RefusedError(409, "answer the pairs before this one first")
            here = (_TRIALS.c.participant == who.id) & (_TRIALS.c.position == position)
            connection.execute(sql.update(_TRIALS).where(here & _TRIALS.c.opened_at.is_(None)).values(opened_at=now))
            trial = connection.execute(sql.select(_TRIALS.c.film, _TRIALS.c.first).where(here)).one()
            found = connection.execute(
                sql.select(_ANSWERS.c.question, _ANSWERS.c.side).where(
                    (_ANSWERS.c.participant == who.id) & (_ANSWERS.c.position == position)
                )
            )
            answers = {question: side for question, side in found}
            return Opened(trial.film, trial.first, answers)

    def answer(self, secret: str, position: int, question: QuestionKey, side: Side, now: float) -> None:
        """Store an answer, in the place of the one before if there is one.

        Raises
        ------
        RefusedError
            For an unknown secret, a position that is not hers, a film that she cannot have watched yet, and after the end.
        """
        with self._engine.begin() as connection:
            who = self._find(connection, secret)
            here = (_TRIALS.c.participant == who.id) & (_TRIALS.c.position == position)
            trial = connection.execute(sql.select(_TRIALS.c.opened_at).where(here)).one_or_none()
            if trial is None:
                raise RefusedError(404, f"there is no pair {position + 1}")
            if who.finished_at is not None:
                raise RefusedError(409, "the study is finished; its answers stay as they are")
            if trial.opened_at is None or now < trial.opened_at + self._least_s:
                raise RefusedError(409, "watch both dances to the end first")
            key = {"participant": who.id, "position": position, "question": question}
            row = self._insert(_ANSWERS).values(key | {"side": side, "first_at": now, "changed_at": now})
            connection.execute(row.on_conflict_do_update(index_elements=list(key), set_={"side": side, "changed_at": now}))

    def finish(self, secret: str, now: float) -> State:
        """End her part; again it changes nothing. Raises :class:`RefusedError` while answers are missing."""
        with self._engine.begin() as connection:
            who = self._find(connection, secret)
            answered = self._num_answered(connection, who.id)
            if answered < self._num_trials:
                raise RefusedError(409, f"pair {answered + 1} is not answered yet")
            ended = (_PARTICIPANTS.c.id == who.id) & _PARTICIPANTS.c.finished_at.is_(None)
            connection.execute(sql.update(_PARTICIPANTS).where(ended).values(finished_at=now))
            return State(answered, self._num_trials, who.code)

    def records(self) -> list[Record]:
        """Every participant of this study, in the order in which they came."""
        with self._engine.begin() as connection:
            mine = _PARTICIPANTS.c.study == self.plan.fingerprint
            people = connection.execute(sql.select(_PARTICIPANTS).where(mine).order_by(_PARTICIPANTS.c.number)).all()
            joined = sql.join(_TRIALS, _PARTICIPANTS, _TRIALS.c.participant == _PARTICIPANTS.c.id)
            shown = connection.execute(
                sql.select(_TRIALS).select_from(joined).where(mine).order_by(_TRIALS.c.participant, _TRIALS.c.position)
            ).all()
            joined = sql.join(_ANSWERS, _PARTICIPANTS, _ANSWERS.c.participant == _PARTICIPANTS.c.id)
            given = connection.execute(sql.select(_ANSWERS).select_from(joined).where(mine)).all()
        answers: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for row in given:
            answers[row.participant, row.position].append(row)
        trials: dict[int, list[Judged]] = defaultdict(list)
        for row in shown:
            found = answers[row.participant, row.position]
            is_whole = len(found) == len(QUESTION_KEYS) and row.opened_at is not None
            seconds = max(item.first_at for item in found) - row.opened_at if is_whole else None
            trials[row.participant].append(Judged(row.film, row.first, {item.question: item.side for item in found}, seconds))
        return [Record(who.code, who.experience, who.finished_at is not None, tuple(trials[who.id])) for who in people]

    @property
    def _least_s(self) -> float:
        return WATCHED * self.plan.seconds

    def _find(self, connection: sql.Connection, secret: str) -> Any:
        mine = (_PARTICIPANTS.c.secret_hash == _hash(secret)) & (_PARTICIPANTS.c.study == self.plan.fingerprint)
        row = connection.execute(sql.select(_PARTICIPANTS).where(mine)).one_or_none()
        if row is None:
            raise RefusedError(401, "nobody of this study; begin on its first page")
        return row

    def _num_answered(self, connection: sql.Connection, participant: int) -> int:
        """Films from the first one on that are answered; later ones cannot be, for they are not opened."""
        count = sql.select(sql.func.count()).select_from(_ANSWERS).where(_ANSWERS.c.participant == participant)
        return int(connection.execute(count).scalar_one()) // len(QUESTION_KEYS)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _engine(text: str) -> sql.Engine:
    try:
        url = sql.make_url(text)
    except ArgumentError:
        raise InputError("--database: not a URL; write postgresql://USER:PASSWORD@HOST/NAME or sqlite:////PLACE") from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise InputError(f"--database {_shown(url)}: of another kind; PostgreSQL and SQLite are supported")
    options: dict[str, Any] = {"pool_timeout": WAIT_S, "pool_pre_ping": True}
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise InputError(f"--database {_shown(url)}: kept nowhere; name a file, sqlite:////PLACE")
        options["connect_args"] = {"timeout": WAIT_S}
    try:
        engine = sql.create_engine(url, **options)
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise InputError("--database: PostgreSQL needs its driver; pip install -c constraints.txt '.[postgres]'") from None
    except (NoSuchModuleError, ArgumentError) as error:
        raise InputError(f"--database {_shown(url)}: {error}") from None
    if url.get_backend_name() == "sqlite":
        sql.event.listen(engine, "connect", _prepare_sqlite)
        sql.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Readers beside a writer, every commit on disk, and transactions begun by :func:`_begin_sqlite` alone."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sql.Connection) -> None:
    """Writers take their turn at the beginning: one that began as a reader could not wait for another to end."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _shown(url: sql.URL) -> str:
    return url.render_as_string(hide_password=True)


def _reason(error: SQLAlchemyError) -> str:
    text = str(error.orig if isinstance(error, DBAPIError) else error)
    return (text.strip().splitlines() or [type(error).__name__])[0][:200]
