"""Athena's SQL, and views in it.

AWS: Athena runs Trino's SQL (https://docs.aws.amazon.com/athena/latest/ug/functions.html), and keeps a view
in Glue as a table of type VIRTUAL_VIEW whose text is a comment with the view in base64
(https://docs.aws.amazon.com/athena/latest/ug/create-view.html).

ministack 1.5.33: hands the query to DuckDB as it stands, so that functions that only Trino has fail, and
CREATE VIEW makes a view that is gone when the statement ends.

Changed: queries are translated by sqlglot, and views are kept in Glue and put into the query in
parentheses. That is still DuckDB: where the two differ in more than words, only AWS shows it.
"""

import base64
import json

import sqlglot
from ministack.services import athena, glue
from sqlglot import exp

from .patching import original

NOTHING = {"columns": [], "rows": [], "column_types": []}
PREFIX, SUFFIX = "/* Presto View: ", " */"


def apply() -> None:
    run_duckdb = original(athena, "_run_duckdb", "734c2e91cdac17e0")

    async def run(query, database, catalog=None):
        statement = parsed(query)
        if is_of_view(statement, exp.Create):
            return await create_view(statement, database, lambda sql: run_duckdb(sql, database, catalog))
        if is_of_view(statement, exp.Drop):
            return drop_view(statement, database)
        if not isinstance(statement, exp.Query):
            return await run_duckdb(query, database, catalog)
        return await run_duckdb(translated(statement, database), database, catalog)

    athena._run_duckdb = run


def parsed(query: str) -> exp.Expression:
    try:
        return sqlglot.parse_one(query, read="athena")
    except sqlglot.errors.SqlglotError as error:
        raise ValueError(f"SYNTAX_ERROR: {error}") from error


def is_of_view(statement: exp.Expression, kind: type) -> bool:
    return isinstance(statement, kind) and statement.args.get("kind") == "VIEW"


def translated(statement: exp.Expression, database: str) -> str:
    return with_views_expanded(statement, database).sql(dialect="duckdb")


def with_views_expanded(statement: exp.Expression, database: str) -> exp.Expression:
    """Every view in the statement becomes the query that it is, however deep."""
    names_of_queries = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    for table in list(statement.find_all(exp.Table)):
        if not table.db and table.name.lower() in names_of_queries:
            continue
        view = view_of(table.db or database, table.name)
        if view is None:
            continue
        query = with_views_expanded(qualified(parsed(view["originalSql"]), view["schema"]), view["schema"])
        subquery = exp.Subquery(
            this=query, alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name, quoted=True))
        )
        if table is statement:
            return subquery
        table.replace(subquery)
    return statement


def qualified(query: exp.Expression, database: str) -> exp.Expression:
    """A view's tables are those of the database it was made in, wherever it is used."""
    names_of_queries = {cte.alias_or_name.lower() for cte in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        if not table.db and table.name and table.name.lower() not in names_of_queries:
            table.set("db", exp.to_identifier(database, quoted=True))
    return query


def view_of(database: str, name: str) -> dict | None:
    table = glue._tables.get(f"{database}/{name.lower()}") or {}
    text = table.get("ViewOriginalText") or ""
    if table.get("TableType") != "VIRTUAL_VIEW" or not text.startswith(PREFIX):
        return None
    return json.loads(base64.b64decode(text.removeprefix(PREFIX).removesuffix(SUFFIX)))


async def create_view(statement: exp.Create, database: str, run) -> dict:
    """Runs the query for no rows first: that finds mistakes, and the columns' types."""
    table, query = statement.this, statement.expression
    schema, name = table.db or database, table.name.lower()
    found = await run(f"SELECT * FROM ({translated(query.copy(), database)}) LIMIT 0")
    if name_is_taken(schema, name, replaces=bool(statement.args.get("replace"))):
        raise ValueError(f"View already exists: awsdatacatalog.{schema}.{name}")
    columns = [
        {"Name": column, "Type": kind} for column, kind in zip(found["columns"], found["column_types"], strict=True)
    ]
    view = {
        "originalSql": query.sql(dialect="trino"),
        "catalog": "awsdatacatalog",
        "schema": schema,
        "columns": [{"name": column["Name"], "type": column["Type"]} for column in columns],
    }
    table_input = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"comment": "Presto View", "presto_view": "true"},
        "StorageDescriptor": {"Columns": columns, "Location": ""},
        "ViewOriginalText": PREFIX + base64.b64encode(json.dumps(view).encode()).decode() + SUFFIX,
        "ViewExpandedText": "/* Presto View */",
    }
    store = glue._update_table if f"{schema}/{name}" in glue._tables else glue._create_table
    status, _, body = store({"DatabaseName": schema, "TableInput": table_input})
    if status >= 300:
        raise ValueError(json.loads(body).get("message", f"Glue answered {status}"))
    return NOTHING


def name_is_taken(schema: str, name: str, replaces: bool) -> bool:
    if f"{schema}/{name}" not in glue._tables:
        return False
    return not replaces or view_of(schema, name) is None


def drop_view(statement: exp.Drop, database: str) -> dict:
    view = statement.find(exp.Table)
    schema, name = view.db or database, view.name.lower()
    if view_of(schema, name) is not None:
        glue._delete_table({"DatabaseName": schema, "Name": name})
    elif not statement.args.get("exists"):
        raise ValueError(f"View '{schema}.{name}' does not exist")
    return NOTHING
