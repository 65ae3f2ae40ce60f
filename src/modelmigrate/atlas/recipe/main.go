package main

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"

	"ariga.io/atlas/cmd/atlas/internal/cmdapi"
	_ "ariga.io/atlas/cmd/atlas/internal/docker"
	_ "ariga.io/atlas/sql/postgres"
	_ "ariga.io/atlas/sql/postgres/postgrescheck"
	_ "github.com/lib/pq"
)

// leftOut stands for the driver of another database: the engine has a dialect for each.
type leftOut struct{ driver.Driver }

func (leftOut) OpenConnector(string) (driver.Connector, error) {
	return nil, errors.New("this build of Atlas is for PostgreSQL alone: MySQL, MariaDB, SQLite and libsql are left out")
}

func init() {
	for _, name := range []string{"mysql", "sqlite3", "libsql"} {
		sql.Register(name, leftOut{})
	}
}

func main() {
	cmdapi.Root.SetOut(os.Stdout)
	if cmdapi.Root.ExecuteContext(newContext()) != nil {
		os.Exit(1)
	}
}
