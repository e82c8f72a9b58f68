"""Tests of `vroeg_pipeline.outcomes`."""
