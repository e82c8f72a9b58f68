"""Tests of `vroeg_pipeline.ddas`."""
