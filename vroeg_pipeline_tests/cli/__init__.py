"""Tests of `vroeg_pipeline.cli`."""
