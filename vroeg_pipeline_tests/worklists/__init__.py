"""Tests of `vroeg_pipeline.worklists`."""
