# What every call of Atlas by modelmigrate works on; the project's own atlas.hcl is for people.
env "modelmigrate" {
  url = getenv("DATABASE_URL")
  migration {
    dir              = "file://migrations"
    revisions_schema = "atlas_schema_revisions"
  }
}
