# What Atlas works on. Databases come from the environment, so no URL and no password stands here.

locals {
  migrations = "file://migrations"
  # Atlas keeps its books in a schema of its own, so that they never appear in a diff.
  revisions = "atlas_schema_revisions"
}

data "external_schema" "sqlalchemy" {
  program = ["uv", "run", "--quiet", "python", "load_models.py"]
}

# The models as the wanted state, for Atlas by hand: atlas migrate diff NAME --env sqlalchemy
# It sees no .sql files, and wants a new dev database each time, with the extensions that indexes need.
env "sqlalchemy" {
  src = data.external_schema.sqlalchemy.url
  dev = getenv("ATLAS_DEV_URL")
  url = getenv("DATABASE_URL")
  migration {
    dir              = local.migrations
    revisions_schema = local.revisions
  }
}

# The same from a file, for the community edition, which refuses external_schema.
env "local" {
  src = getenv("ATLAS_MODELS_URL")
  dev = getenv("ATLAS_DEV_URL")
  url = getenv("DATABASE_URL")
  migration {
    dir              = local.migrations
    revisions_schema = local.revisions
  }
}

# Deployed databases know migrations only, never models.
env "production" {
  url = getenv("DATABASE_URL")
  migration {
    dir              = local.migrations
    revisions_schema = local.revisions
  }
}

lint {
  destructive {
    error = true
  }
  data_depend {
    error = false
  }
}
