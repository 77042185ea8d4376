"""What the two kinds of database spell differently."""

from typing import Any

from sqlalchemy import ColumnElement, Text, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Parameter(FunctionElement[str]):
    type = Text()
    inherit_cache = True


class _Unindexed(FunctionElement[Any]):
    type = Text()
    inherit_cache = True


def parameter(parameters: ColumnElement[str], name: str) -> ColumnElement[str]:
    """Return a parameter out of a column of them, by which there can be an index. NULL where there is none.

    An index must never fail on what somebody else wrote into the database: JSON that isn't any has no parameters.
    """
    return _Parameter(parameters, literal_column(name))


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column by whose index rows aren't to be looked up, because another one leads to fewer.

    Only SQLite has to be told: PostgreSQL knows how many rows there are of each value.
    """
    return _Unindexed(column)


@compiles(_Parameter, "sqlite")
def _sqlite_parameter(element: _Parameter, compiler: Any, **options: Any) -> str:
    column, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END"


@compiles(_Parameter, "postgresql")
def _postgresql_parameter(element: _Parameter, compiler: Any, **options: Any) -> str:
    column, name = (compiler.process(clause, **options) for clause in element.clauses)
    # As the log writes them. Within a value, the quotes would be escaped.
    return f"""substring({column}, '"{name}": "([A-Za-z0-9_.-]*)"')"""


@compiles(_Unindexed, "sqlite")
def _sqlite_unindexed(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(_Unindexed, "postgresql")
def _postgresql_unindexed(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))
