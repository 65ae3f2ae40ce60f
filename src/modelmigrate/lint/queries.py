"""The queries for what `catalog.py` describes, by the names that it has there."""

from modelmigrate.schema.catalog import USER_SCHEMAS

NOT_OF_EXTENSION = (
    "NOT EXISTS (SELECT FROM pg_depend WHERE classid = {!r}::regclass AND objid = {}"
    " AND deptype = 'e')"
)


QUERIES = {
    "relations": f"""
        SELECT c.oid, nspname, format('%I.%I', nspname, relname), relkind,
               coalesce(pg_relation_filenode(c.oid), 0),
               CASE WHEN relispartition THEN (SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid)
                    ELSE 0 END, relrowsecurity, relforcerowsecurity,
               coalesce(reloptions && '{{security_invoker=true,security_invoker=on,security_invoker=1}}', false)
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I', 'c')
          AND {NOT_OF_EXTENSION.format("pg_class", "c.oid")}""",
    "columns": f"""
        SELECT c.oid, attnum, quote_ident(attname), format_type(atttypid, atttypmod), atttypid,
               attnotnull AND NOT EXISTS (
                   SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'n'
                       AND conkey[1] = attnum AND NOT convalidated),
               coalesce(pg_get_expr(adbin, adrelid), ''), attgenerated, attidentity
        FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
        JOIN pg_namespace n ON n.oid = relnamespace
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE {USER_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
          AND attnum > 0 AND NOT attisdropped""",
    "constraints": f"""
        SELECT c.oid, conrelid, quote_ident(conname), contype, convalidated,
               pg_get_constraintdef(c.oid), conindid, confrelid, coalesce(conkey, '{{}}')::int2[]
        FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace
        WHERE {USER_SCHEMAS} AND conrelid <> 0 AND contype IN ('p', 'u', 'x', 'c', 'f')""",
    "indexes": f"""
        SELECT indexrelid, indrelid, format('%I.%I', nspname, relname), indisunique, pg_get_indexdef(indexrelid),
               (indkey::int2[])[0:indnkeyatts - 1]
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS}""",
    "routines": f"""
        SELECT p.oid, format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)),
               coalesce(pg_get_function_result(p.oid), ''),
               CASE WHEN prokind = 'a' THEN '' ELSE pg_get_functiondef(p.oid) END,
               CASE WHEN prosqlbody IS NULL AND lanname NOT IN ('c', 'internal') THEN prosrc ELSE '' END,
               prosecdef, coalesce(proconfig::text LIKE '%search_path=%', false)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace JOIN pg_language l ON l.oid = prolang
        WHERE {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format("pg_proc", "p.oid")}""",
    "uses": """
        SELECT DISTINCT refobjid, kind, name FROM (
            SELECT refobjid, 'the index', d.objid::regclass::text AS name
            FROM pg_depend d JOIN pg_index ON indexrelid = d.objid
            WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_proc'::regclass
          UNION ALL
            SELECT refobjid, 'the generated column', format('%s.%I', attrelid::regclass, attname)
            FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
            JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum AND attgenerated = 's'
            WHERE classid = 'pg_attrdef'::regclass AND refclassid = 'pg_proc'::regclass
          UNION ALL
            SELECT refobjid, 'the materialized view', c.oid::regclass::text
            FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
            JOIN pg_class c ON c.oid = ev_class AND relkind = 'm'
            WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_proc'::regclass
          UNION ALL
            SELECT refobjid, 'the check', format('%I of %s', conname, conrelid::regclass)
            FROM pg_depend d JOIN pg_constraint c ON c.oid = d.objid AND contype = 'c'
            WHERE classid = 'pg_constraint'::regclass AND refclassid = 'pg_proc'::regclass
        ) AS used (refobjid, kind, name) WHERE refobjid >= 16384""",
    "reads": f"""
        SELECT DISTINCT ev_class, refobjid
        FROM pg_depend d JOIN pg_rewrite r ON r.oid = objid
        JOIN pg_class c ON c.oid = ev_class AND relkind IN ('v', 'm')
        JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS} AND classid = 'pg_rewrite'::regclass
          AND refclassid = 'pg_class'::regclass AND refobjid <> ev_class""",
    "privileges": f"""
        SELECT object, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
               privilege_type,
               usual AND privilege_type <> 'CREATE'
        FROM (
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass, relacl,
                   relowner, false
            FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE {USER_SCHEMAS}
          UNION ALL
            SELECT format('COLUMN %s.%I', c.oid::regclass, attname), attacl, relowner, false
            FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n
                 ON n.oid = relnamespace
            WHERE {USER_SCHEMAS}
          UNION ALL
            SELECT 'SCHEMA ' || nspname, nspacl, nspowner, nspname = 'public'
            FROM pg_namespace n WHERE {USER_SCHEMAS}
          UNION ALL
            SELECT 'FUNCTION ' || p.oid::regprocedure,
                   coalesce(proacl, acldefault('f', proowner)), proowner, true
            FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
            WHERE {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format("pg_proc", "p.oid")}
          UNION ALL
            SELECT 'TYPE ' || t.oid::regtype, coalesce(typacl, acldefault('T', typowner)), typowner, true
            FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
            WHERE {USER_SCHEMAS} AND typtype IN ('e', 'd')
          UNION ALL
            SELECT 'ALL FUTURE OBJECTS OF ' || defaclrole::regrole, defaclacl, defaclrole,
                   defaclobjtype IN ('f', 'T') FROM pg_default_acl
        ) AS objects (object, acl, owner, usual), aclexplode(acl)
        WHERE grantee <> owner""",
    "triggers": f"""
        SELECT t.oid, tgrelid, quote_ident(tgname), pg_get_triggerdef(t.oid), tgenabled, tgfoid::int8, false
        FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS} AND NOT tgisinternal""",
    "policies": f"""
        SELECT p.oid, polrelid, quote_ident(polname),
               concat(polpermissive, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid), '|',
                      pg_get_expr(polwithcheck, polrelid)), '', 0,
               polpermissive AND 'true' IN (pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
        FROM pg_policy p JOIN pg_class c ON c.oid = polrelid JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS}""",
    "types": f"""
        SELECT t.oid, format('%I.%I', nspname, typname), 0
        FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
        LEFT JOIN pg_class c ON c.oid = typrelid
        WHERE {USER_SCHEMAS} AND (typtype IN ('e', 'd') OR typtype = 'r' OR relkind = 'c')
          AND {NOT_OF_EXTENSION.format("pg_type", "t.oid")}""",
    "values": f"""
        SELECT e.oid, quote_literal(enumlabel), enumtypid FROM pg_enum e
        JOIN pg_type t ON t.oid = enumtypid JOIN pg_namespace n ON n.oid = typnamespace
        WHERE {USER_SCHEMAS}""",
    "schemas": f"SELECT n.oid, quote_ident(nspname), 0 FROM pg_namespace n WHERE {USER_SCHEMAS}",
    "extensions": "SELECT oid, quote_ident(extname), 0 FROM pg_extension WHERE oid >= 16384",
}
