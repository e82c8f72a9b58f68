"""Tests of `vroeg_pipeline.matches`."""
