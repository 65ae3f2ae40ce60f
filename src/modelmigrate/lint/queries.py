"""The queries for what `catalog.py` describes, by the names that it has there."""

from modelmigrate.schema.catalog import USER_SCHEMAS

NOT_OF_EXTENSION = (
    "NOT EXISTS (SELECT FROM pg_depend WHERE classid = {!r}::regclass AND objid = {}"
    " AND deptype = 'e')"
)
# Users' objects, told by an index: what initdb made has lower oids, and there are thousands of it.
MADE_LATER = "{} >= 16384"
# Whether an option of a view is on, in whatever way it was written.
OPTION = "coalesce(reloptions && '{{{0}=true,{0}=on,{0}=yes,{0}=1}}', false)"

QUERIES = {
    "relations": f"""
        SELECT c.oid, nspname, format('%I.%I', nspname, relname), relkind,
               coalesce(pg_relation_filenode(c.oid), 0),
               CASE WHEN relispartition THEN (SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid)
                    ELSE 0 END, relrowsecurity, relforcerowsecurity,
               {OPTION.format("security_invoker")}, {OPTION.format("security_barrier")},
               coalesce(reloptions && '{{check_option=local,check_option=cascaded}}', false), relpersistence <> 'u',
               ARRAY(SELECT inhparent::int8 FROM pg_inherits WHERE inhrelid = c.oid AND NOT relispartition)
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {MADE_LATER.format("c.oid")} AND {USER_SCHEMAS}
          AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I', 'c')
          AND {NOT_OF_EXTENSION.format("pg_class", "c.oid")}""",
    "columns": f"""
        SELECT c.oid, attnum, quote_ident(attname), format_type(atttypid, atttypmod), atttypid,
               attnotnull AND NOT EXISTS (
                   SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'n'
                       AND conkey[1] = attnum AND NOT convalidated),
               coalesce(pg_get_expr(adbin, adrelid), ''), attgenerated, attidentity,
               format_type(CASE typtype WHEN 'd' THEN typbasetype ELSE atttypid END, NULL)
        FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid JOIN pg_class c ON c.oid = attrelid
        JOIN pg_namespace n ON n.oid = relnamespace
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE {MADE_LATER.format("attrelid")} AND {USER_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
          AND attnum > 0 AND NOT attisdropped""",
    "constraints": f"""
        SELECT c.oid, conrelid, quote_ident(conname), contype, convalidated,
               pg_get_constraintdef(c.oid), conindid, confrelid, coalesce(conkey, '{{}}')::int2[],
               coalesce(confkey, '{{}}')::int2[]
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
               prosecdef, coalesce(proconfig::text LIKE '%search_path=%', false),
               proargtypes::int8[], pronargdefaults
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace JOIN pg_language l ON l.oid = prolang
        WHERE {MADE_LATER.format("p.oid")} AND {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format("pg_proc", "p.oid")}""",
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
               privilege,
               usual AND privilege_type <> 'CREATE'
        FROM (
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass, relacl,
                   relowner, false
            FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE {USER_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          UNION ALL
            SELECT format('COLUMN %s.%I', c.oid::regclass, attname), attacl, relowner, false
            FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n
                 ON n.oid = relnamespace
            WHERE {USER_SCHEMAS} AND attacl IS NOT NULL
          UNION ALL
            SELECT 'SCHEMA ' || nspname, nspacl, nspowner, nspname = 'public'
            FROM pg_namespace n WHERE {USER_SCHEMAS}
          UNION ALL
            SELECT 'FUNCTION ' || p.oid::regprocedure,
                   coalesce(proacl, acldefault('f', proowner)), proowner, true
            FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
            WHERE {MADE_LATER.format("p.oid")} AND {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format("pg_proc", "p.oid")}
          UNION ALL
            SELECT 'TYPE ' || t.oid::regtype, coalesce(typacl, acldefault('T', typowner)), typowner, true
            FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
            WHERE {MADE_LATER.format("t.oid")} AND {USER_SCHEMAS} AND typtype IN ('e', 'd')
          UNION ALL
            SELECT 'ALL FUTURE OBJECTS OF ' || defaclrole::regrole, defaclacl, defaclrole,
                   defaclobjtype IN ('f', 'T') FROM pg_default_acl
        ) AS objects (object, acl, owner, usual), aclexplode(acl),
            unnest(ARRAY[privilege_type, CASE WHEN is_grantable THEN privilege_type || ' WITH GRANT OPTION' END])
                AS privilege
        WHERE grantee <> owner AND privilege <> ''
      UNION ALL
        SELECT object, owner::regrole::text, 'OWNER', true FROM (
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass, relowner
            FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE {USER_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          UNION ALL
            SELECT 'SCHEMA ' || nspname, nspowner FROM pg_namespace n WHERE {USER_SCHEMAS}
          UNION ALL
            SELECT 'FUNCTION ' || p.oid::regprocedure, proowner
            FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
            WHERE {MADE_LATER.format("p.oid")} AND {USER_SCHEMAS} AND {NOT_OF_EXTENSION.format("pg_proc", "p.oid")}
        ) AS owned (object, owner)""",
    "triggers": f"""
        SELECT t.oid, tgrelid, quote_ident(tgname), pg_get_triggerdef(t.oid), tgenabled, tgfoid::int8, false,
               ARRAY[]::text[]
        FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS} AND (NOT tgisinternal OR tgenabled IN ('D', 'R'))
      UNION ALL
        SELECT r.oid, ev_class, quote_ident(rulename), pg_get_ruledef(r.oid), ev_enabled, 0, false,
               ARRAY[]::text[]
        FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS} AND ev_type <> '1'
      UNION ALL
        SELECT e.oid, 0, quote_ident(evtname), 'CREATE EVENT TRIGGER ' || evtname, evtenabled, evtfoid::int8, false,
               ARRAY[]::text[]
        FROM pg_event_trigger e WHERE {NOT_OF_EXTENSION.format("pg_event_trigger", "e.oid")}""",
    "policies": f"""
        SELECT p.oid, polrelid, quote_ident(polname),
               concat(polpermissive, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid), '|',
                      pg_get_expr(polwithcheck, polrelid)), '', 0,
               polpermissive AND 'true' IN (pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)),
               polroles::regrole[]::text[]
        FROM pg_policy p JOIN pg_class c ON c.oid = polrelid JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS}""",
    "types": f"""
        SELECT t.oid, format('%I.%I', nspname, typname), 0
        FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
        LEFT JOIN pg_class c ON c.oid = typrelid
        WHERE {MADE_LATER.format("t.oid")} AND {USER_SCHEMAS} AND (typtype IN ('e', 'd') OR typtype = 'r' OR relkind = 'c')
          AND {NOT_OF_EXTENSION.format("pg_type", "t.oid")}""",
    "values": f"""
        SELECT e.oid, quote_literal(enumlabel), enumtypid FROM pg_enum e
        JOIN pg_type t ON t.oid = enumtypid JOIN pg_namespace n ON n.oid = typnamespace
        WHERE {USER_SCHEMAS}""",
    "schemas": f"SELECT n.oid, quote_ident(nspname), 0 FROM pg_namespace n WHERE {USER_SCHEMAS}",
    "extensions": "SELECT oid, quote_ident(extname), 0 FROM pg_extension WHERE oid >= 16384",
    # Where one was never used, it stands where it starts.
    "sequences": f"""
        SELECT seqrelid, coalesce(pg_sequence_last_value(seqrelid), seqstart),
               pg_sequence_last_value(seqrelid) IS NOT NULL, seqincrement, seqmax
        FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {USER_SCHEMAS}""",
    # By their names in JSON, since PostgreSQL 14 does not have all of these columns.
    "publications": """
        SELECT p.oid, quote_ident(pubname),
               ARRAY(SELECT format('%I.%I', schemaname, tablename)
                     FROM pg_publication_tables t WHERE t.pubname = p.pubname ORDER BY 1),
               ARRAY(SELECT concat_ws(' ', format('%I.%I', schemaname, tablename),
                                      'columns ' || (to_jsonb(r) ->> 'prattrs'),
                                      'WHERE ' || (to_jsonb(t) ->> 'rowfilter'))
                     FROM pg_publication_tables t LEFT JOIN pg_publication_rel r
                          ON prpubid = p.oid AND prrelid = format('%I.%I', schemaname, tablename)::regclass
                     WHERE t.pubname = p.pubname
                       AND coalesce(to_jsonb(r) ->> 'prattrs', to_jsonb(t) ->> 'rowfilter') IS NOT NULL
                     ORDER BY 1),
               array_remove(ARRAY[
                   CASE WHEN pubinsert THEN 'INSERT' END, CASE WHEN pubupdate THEN 'UPDATE' END,
                   CASE WHEN pubdelete THEN 'DELETE' END, CASE WHEN pubtruncate THEN 'TRUNCATE' END], NULL),
               ARRAY(SELECT c.oid::int8 FROM pg_publication_tables t
                     JOIN pg_namespace n ON nspname = schemaname
                     JOIN pg_class c ON relnamespace = n.oid AND relname = tablename
                     WHERE t.pubname = p.pubname AND (pubupdate OR pubdelete) AND relreplident <> 'f'
                       AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisvalid
                           AND CASE relreplident WHEN 'd' THEN indisprimary WHEN 'i' THEN indisreplident END))
        FROM pg_publication p""",
}
