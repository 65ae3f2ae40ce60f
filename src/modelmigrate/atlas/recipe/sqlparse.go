// Package sqlparse tells `atlas migrate lint` what the schemas before and after a statement do not show: what
// it has renamed. It stands in for a grammar of the whole of SQL, a third of the work of a build: the rules of
// the engine ask for nothing else.
package sqlparse

import (
	"regexp"
	"strings"

	"ariga.io/atlas/cmd/atlas/internal/sqlparse/parseutil"
	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/schema"
)

const (
	name     = `("(?:[^"]|"")+"|[\pL_][\pL\pN_$]*)`
	relation = `(?:ONLY )?(?:` + name + ` ?\. ?)?` + name + `(?: ?\*)?`
)

var (
	comment = regexp.MustCompile(`(?s)"[^"]*"|--[^\n]*|/\*.*?\*/`)

	column = form(`ALTER TABLE (?:IF EXISTS )?` + relation + ` RENAME (?:COLUMN )?` + name + ` TO ` + name + ` ?;? ?$`)
	table  = form(`ALTER TABLE (?:IF EXISTS )?` + relation + ` RENAME TO ` + name + ` ?;? ?$`)
	index  = form(`ALTER INDEX (?:IF EXISTS )?` + relation + ` RENAME TO ` + name + ` ?;? ?$`)
)

// form compiles a form of a statement; a space in it stands for any white space.
func form(text string) *regexp.Regexp {
	text = strings.ReplaceAll(text, " ?", `\s*`)
	return regexp.MustCompile(`(?i)^\s*` + strings.ReplaceAll(text, " ", `\s+`))
}

// rename returns what the statement renames, if it has the form.
func rename(form *regexp.Regexp, stmt string) *parseutil.Rename {
	found := form.FindStringSubmatch(stmt)
	if found == nil {
		return nil
	}
	names := found[len(found)-2:]
	for i, text := range names {
		if text[0] == '"' {
			names[i] = strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
		} else {
			names[i] = strings.ToLower(text)
		}
	}
	return &parseutil.Rename{From: names[0], To: names[1]}
}

// Parser adds to changes what their statement says of them.
type Parser struct{}

// ParserFor returns the parser for the driver.
func ParserFor(string) *Parser { return &Parser{} }

// FixChange fixes the changes according to the given statement.
func (*Parser) FixChange(_ migrate.Driver, stmt string, changes schema.Changes) (schema.Changes, error) {
	stmt = comment.ReplaceAllStringFunc(stmt, func(text string) string {
		if text[0] == '"' {
			return text
		}
		return " "
	})
	if r := rename(table, stmt); r != nil {
		return parseutil.RenameTable(changes, r), nil
	}
	if len(changes) != 1 {
		return changes, nil
	}
	if modify, ok := changes[0].(*schema.ModifyTable); ok {
		if r := rename(column, stmt); r != nil {
			parseutil.RenameColumn(modify, r)
		}
		if r := rename(index, stmt); r != nil {
			parseutil.RenameIndex(modify, r)
		}
	}
	return changes, nil
}
