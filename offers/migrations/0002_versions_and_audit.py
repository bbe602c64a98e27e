"""Triggers: configuration changes raise the retailer's version, the audit trail is append-only."""

from django.db import migrations

# Columns of a campaign that jobs move all the time and no decision rests on.
NOT_CONFIGURATION = {"vouchers_count", "vouchers_generation_status", "updated_at"}
TABLES = [
    "offers_retailer", "offers_client", "offers_category", "offers_campaign", "offers_promotiontier",
    "offers_validationrule", "offers_productcollection",
]

SETUP = """
CREATE FUNCTION offers_bump_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    line jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    retailer bigint := coalesce(line ->> 'retailer_id', line ->> 'id')::bigint;
BEGIN
    IF TG_TABLE_NAME = 'offers_retailer' AND TG_OP = 'INSERT' THEN
        INSERT INTO offers_retailerversion (retailer_id, number) VALUES (retailer, 1);
    ELSE
        UPDATE offers_retailerversion SET number = number + 1 WHERE retailer_id = retailer;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER offers_assignment_version AFTER INSERT OR UPDATE ON offers_ruleassignment
    FOR EACH ROW WHEN (NEW.target <> 'voucher') EXECUTE FUNCTION offers_bump_version();
CREATE TRIGGER offers_assignment_version_gone AFTER DELETE ON offers_ruleassignment
    FOR EACH ROW WHEN (OLD.target <> 'voucher') EXECUTE FUNCTION offers_bump_version();
CREATE FUNCTION offers_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER offers_audit_append_only BEFORE UPDATE OR DELETE ON offers_auditentry
    FOR EACH ROW EXECUTE FUNCTION offers_append_only();
"""
UNDO = """
DROP TRIGGER offers_audit_append_only ON offers_auditentry;
DROP FUNCTION offers_append_only;
DROP TRIGGER offers_assignment_version ON offers_ruleassignment;
DROP TRIGGER offers_assignment_version_gone ON offers_ruleassignment;
DROP FUNCTION offers_bump_version;
"""


def watch(apps, schema_editor):
    for table in TABLES:
        columns = ""
        if table in {"offers_campaign", "offers_client"}:
            model = apps.get_model("offers", table.removeprefix("offers_"))
            skip = NOT_CONFIGURATION | {"last_used_at"}
            columns = " OF " + ", ".join(f.column for f in model._meta.local_fields if f.column not in skip)
        # One trigger per event: a column list applies to UPDATE only.
        schema_editor.execute(
            f"CREATE TRIGGER {table}_version AFTER INSERT OR DELETE OR UPDATE{columns} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION offers_bump_version()"
        )


def unwatch(apps, schema_editor):
    for table in TABLES:
        schema_editor.execute(f"DROP TRIGGER {table}_version ON {table}")


class Migration(migrations.Migration):
    dependencies = [("offers", "0001_initial")]
    operations = [migrations.RunSQL(SETUP, UNDO), migrations.RunPython(watch, unwatch)]
