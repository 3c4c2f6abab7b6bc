"""The database itself refuses to change or delete an audit row."""

from django.db import migrations

SQLITE = [
    """
    CREATE TRIGGER history_auditrow_no_{what} BEFORE {WHAT} ON history_auditrow
    BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END
    """
]
POSTGRESQL = [
    """
    CREATE FUNCTION history_auditrow_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit rows are never changed'; END $$
    """,
    """
    CREATE TRIGGER history_auditrow_stays BEFORE UPDATE OR DELETE
    ON history_auditrow FOR EACH ROW EXECUTE FUNCTION history_auditrow_refuse()
    """,
]


def protect(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        statements = [
            SQLITE[0].format(what=what.lower(), WHAT=what)
            for what in ("UPDATE", "DELETE")
        ]
    else:
        statements = POSTGRESQL
    for statement in statements:
        schema_editor.execute(statement)


def unprotect(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        statements = [
            f"DROP TRIGGER history_auditrow_no_{what}" for what in ("update", "delete")
        ]
    else:
        statements = [
            "DROP TRIGGER history_auditrow_stays ON history_auditrow",
            "DROP FUNCTION history_auditrow_refuse()",
        ]
    for statement in statements:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("history", "0001_initial")]
    operations = [migrations.RunPython(protect, unprotect)]
