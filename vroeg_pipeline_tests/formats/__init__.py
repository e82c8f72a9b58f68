"""Tests of `vroeg_pipeline.formats`."""
