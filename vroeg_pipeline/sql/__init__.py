"""The SQL of the pipeline: `schema.sql` describes every table, the others each fill one or define macros."""
